//! How much clients may ask of the gateway: one plain struct, with a default for every number.

use std::time::Duration;

/// Bytes of a tool's input, as the dispatcher takes them, and some for what a protocol puts around it.
pub const BODY_BYTES: usize = (4 << 20) + (64 << 10);

/// The limits of connections, which hold as long as the gateway runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Connections at once of one address, or of one IPv6 network of 64 bits.
    pub connections_per_peer: usize,
    /// The head of a request, in bytes.
    pub head_bytes: usize,
    /// Header lines of a request.
    pub headers: usize,
    /// Until the head of a request has arrived, or a TLS handshake is done.
    pub head_time: Duration,
    /// The body of a request, in bytes.
    pub body_bytes: usize,
    /// The same of a request of MCP, where the input of a tool may be written in more bytes than it has.
    pub mcp_body_bytes: usize,
    /// Until the body of a request has arrived whole.
    pub body_time: Duration,
    /// Until the next bytes of a body arrive, or of an answer are taken.
    pub idle_time: Duration,
    /// How often it is looked whether whoever has a WebSocket open is still there; who does not answer until the next time is not.
    pub ping_time: Duration,
    /// A message that comes over a WebSocket, in bytes.
    pub socket_message_bytes: usize,
    /// Messages that come over one WebSocket in a minute.
    pub socket_messages_per_minute: u32,
    /// WebSockets of one token at once.
    pub sockets_per_token: usize,
    /// Failed attempts to present a token that one peer has in a minute.
    pub failures_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_peer: 256,
            head_bytes: 16 << 10,
            headers: 64,
            head_time: Duration::from_secs(10),
            body_bytes: BODY_BYTES,
            mcp_body_bytes: 2 * BODY_BYTES,
            body_time: Duration::from_secs(60),
            idle_time: Duration::from_secs(20),
            ping_time: Duration::from_secs(30),
            socket_message_bytes: 1 << 20,
            socket_messages_per_minute: 600,
            sockets_per_token: 32,
            failures_per_minute: 30,
        }
    }
}
