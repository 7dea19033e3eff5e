//! Tests of the network capability against servers on the loopback interface.

mod limits;
mod policy;
mod secrets;
mod support;
mod tls;
mod transport;
