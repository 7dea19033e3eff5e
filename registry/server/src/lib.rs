//! A registry of skills: accounts, index, blobs, search and a transparency log behind one HTTP API.
