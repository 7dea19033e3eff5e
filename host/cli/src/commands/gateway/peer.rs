//! Who is at the other end of a connection over loopback: any user may take a port that is free, and see what is sent to it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

/// Where the kernel lists sockets of TCP.
const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];
/// The state of a socket that listens, as tables have it.
const LISTEN: &str = "0A";

/// A socket of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Socket {
    local: SocketAddr,
    remote: SocketAddr,
    listens: bool,
    /// Whose it is. One that was not accepted yet counts as root's.
    user: u32,
}

/// Whether a server is this user's or root's, given both addresses of a connection to it.
///
/// # Errors
/// Why that is not so, or cannot be told, in words that follow "what listens there".
pub(super) fn trusted(server: SocketAddr, client: SocketAddr) -> Result<(), String> {
    let mut sockets = Vec::new();
    for table in TABLES.map(Path::new) {
        match std::fs::read_to_string(table) {
            Ok(text) => sockets.extend(text.lines().skip(1).filter_map(socket)),
            // A machine may do without IPv6.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("cannot be told: {}: {error}", table.display())),
        }
    }
    judge(&sockets, server, client, rustix::process::geteuid().as_raw())
}

/// Both are looked at: who listens now may have come after whoever took the connection.
fn judge(sockets: &[Socket], server: SocketAddr, client: SocketAddr, own: u32) -> Result<(), String> {
    let (server, client) = (canonical(server), canonical(client));
    let listening = |socket: &&Socket| {
        let at = socket.local.ip();
        socket.listens
            && socket.local.port() == server.port()
            && (at == server.ip() || at.is_unspecified() && (at.is_ipv6() || server.is_ipv4()))
    };
    let taken = |socket: &&Socket| !socket.listens && (socket.local, socket.remote) == (server, client);
    let mut listeners = sockets.iter().filter(listening).peekable();
    if listeners.peek().is_none() {
        return Err("cannot be found in /proc/net/tcp".to_owned());
    }
    match listeners.chain(sockets.iter().filter(taken)).find(|socket| ![0, own].contains(&socket.user)) {
        Some(foreign) => Err(format!("belongs to another user ({})", foreign.user)),
        None => Ok(()),
    }
}

/// A line of a table.
fn socket(line: &str) -> Option<Socket> {
    let mut words = line.split_whitespace().skip(1);
    let (local, remote) = (address(words.next()?)?, address(words.next()?)?);
    let listens = words.next()? == LISTEN;
    Some(Socket { local, remote, listens, user: words.nth(3)?.parse().ok()? })
}

/// An address as tables have it: words of 32 bits in this machine's order, and the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let word = |index: usize| {
        let word = u32::from_str_radix(ip.get(index * 8..index * 8 + 8)?, 16).ok()?;
        Some(u32::from_be_bytes(word.to_ne_bytes()))
    };
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from_bits(word(0)?)),
        32 => {
            let bits = (0..4).try_fold(0, |bits, index| Some(bits << 32 | u128::from(word(index)?)))?;
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
        _ => return None,
    };
    Some(canonical(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?)))
}

/// A socket of IPv6 may serve IPv4, and then has addresses of its own for it.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    const OWN: u32 = 1000;

    fn table(lines: &[(&str, &str, &str, u32)]) -> Vec<Socket> {
        let line = |(local, remote, state, user): &(&str, &str, &str, u32)| {
            let text =
                format!("0: {local} {remote} {state} 00000000:00000000 00:00000000 00000000 {user} 0 632 1");
            socket(&text).unwrap()
        };
        lines.iter().map(line).collect()
    }

    fn judged(lines: &[(&str, &str, &str, u32)]) -> Result<(), String> {
        judge(&table(lines), "127.0.0.1:7456".parse().unwrap(), "127.0.0.1:50000".parse().unwrap(), OWN)
    }

    #[test]
    fn own_sockets_and_those_of_root_are_trusted() {
        let (four, any, nobody) = ("0100007F:1D20", "00000000000000000000000000000000:1D20", "00000000:0000");
        let mapped = ("0000000000000000FFFF00000100007F:1D20", "0000000000000000FFFF00000100007F:C350");
        let away = "00000000000000000000000000000000:0000";
        assert_eq!(judged(&[(four, nobody, "0A", OWN)]), Ok(()));
        assert_eq!(judged(&[(four, nobody, "0A", 0), (four, "0100007F:C350", "01", 0)]), Ok(()));
        assert_eq!(judged(&[(any, away, "0A", OWN), (mapped.0, mapped.1, "01", OWN)]), Ok(()));
    }

    #[test]
    fn sockets_of_others_are_not() {
        let (four, nobody) = ("0100007F:1D20", "00000000:0000");
        for foreign in [
            &[(four, nobody, "0A", 1001)][..],
            &[("00000000:1D20", nobody, "0A", 1001)],
            &[("00000000000000000000000000000000:1D20", "00000000000000000000000000000000:0000", "0A", 1001)],
            // Who listens now came after whoever took the connection.
            &[(four, nobody, "0A", OWN), (four, "0100007F:C350", "01", 1001)],
            // Another port or address is somebody else, and so nobody is there.
            &[("0100007F:1D21", nobody, "0A", OWN)],
            &[("0200007F:1D20", nobody, "0A", OWN)],
            &[],
        ] {
            assert!(judged(foreign).is_err(), "{foreign:?}");
        }
    }

    #[test]
    fn a_server_of_this_process_is_trusted() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (server, client) = (stream.peer_addr().unwrap(), stream.local_addr().unwrap());
            assert_eq!(trusted(server, client), Ok(()));
            drop(listener);
            assert!(trusted(server, client).is_err());
        }
    }
}
