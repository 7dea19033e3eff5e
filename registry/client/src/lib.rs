//! Finds, fetches, checks and publishes skills: what a registry says is believed only where it is proved.
