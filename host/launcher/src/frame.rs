//! Frames of JSON over socket pairs, some with descriptors.
//!
//! A frame is its length, four bytes with the most significant first, and that many bytes of JSON. Descriptors
//! travel with its first byte.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, Interest};

/// The most bytes that a frame may have.
pub const FRAME_BYTES: usize = 64 << 20;
/// Bytes of a frame's length.
pub const LENGTH_BYTES: usize = 4;
/// The most descriptors that travel with a frame.
pub const DESCRIPTORS: usize = 8;

/// A frame as it goes out.
///
/// # Errors
/// A message that has no JSON form, or one that is too long.
pub fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; LENGTH_BYTES];
    serde_json::to_writer(&mut frame, message)?;
    let length = u32::try_from(frame.len() - LENGTH_BYTES).map_err(io::Error::other)?;
    if let Some(head) = frame.first_chunk_mut::<LENGTH_BYTES>() {
        *head = length.to_be_bytes();
    }
    Ok(frame)
}

/// Writes a frame, and waits until it is written.
///
/// # Errors
/// Those of [`encode`] and of the stream.
pub fn write(mut stream: &UnixStream, message: &impl Serialize) -> io::Result<()> {
    stream.write_all(&encode(message)?)
}

/// Reads a frame, and waits for it; none where the other side has closed.
///
/// # Errors
/// Those of the stream, and a frame that is too long or not the message.
pub fn read<T: DeserializeOwned>(stream: &UnixStream) -> io::Result<Option<T>> {
    Ok(read_with_descriptors(stream)?.map(|(message, _)| message))
}

/// The same, with the descriptors that came along.
///
/// # Errors
/// Those of [`read`].
pub fn read_with_descriptors<T: DeserializeOwned>(
    mut stream: &UnixStream,
) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut head = [0; LENGTH_BYTES];
    let (got, descriptors) = receive(stream, &mut head)?;
    if got == 0 {
        return Ok(None);
    }
    stream.read_exact(head.get_mut(got..).unwrap_or_default())?;
    let mut body = vec![0; length(head, FRAME_BYTES)?];
    stream.read_exact(&mut body)?;
    Ok(Some((serde_json::from_slice(&body)?, descriptors)))
}

fn receive(stream: &UnixStream, into: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let message = loop {
        match recvmsg(stream, &mut [IoSliceMut::new(into)], &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            message => break message?,
        }
    };
    let descriptors = control
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        })
        .flatten()
        .collect();
    Ok((message.bytes, descriptors))
}

/// Reads a frame of at most so many bytes, without blocking the thread; none where the other side has closed.
///
/// # Errors
/// Those of [`read`].
pub async fn hear<T: DeserializeOwned>(
    stream: &mut tokio::net::UnixStream,
    most: usize,
) -> io::Result<Option<T>> {
    let mut head = [0; LENGTH_BYTES];
    match stream.read_exact(&mut head).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    };
    let mut body = vec![0; length(head, most)?];
    stream.read_exact(&mut body).await?;
    Ok(Some(serde_json::from_slice(&body)?))
}

fn length(head: [u8; LENGTH_BYTES], most: usize) -> io::Result<usize> {
    let length = usize::try_from(u32::from_be_bytes(head)).map_err(io::Error::other)?;
    if length > most { Err(io::Error::other("a frame is too long")) } else { Ok(length) }
}

/// Sends as much of a frame as there is room for, with descriptors; answers how much that was.
///
/// # Errors
/// Those of the stream, and more than [`DESCRIPTORS`] descriptors.
pub fn send_with_descriptors(
    stream: impl AsFd,
    frame: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::other("no room for so many descriptors"));
    }
    Ok(sendmsg(stream, &[IoSlice::new(frame)], &mut control, SendFlags::NOSIGNAL)?)
}

/// Sends a frame of which the first byte carries descriptors, without blocking the thread.
///
/// # Errors
/// Those of [`send_with_descriptors`].
pub async fn write_with_descriptors(
    stream: &tokio::net::UnixStream,
    frame: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let sent =
        stream.async_io(Interest::WRITABLE, || send_with_descriptors(stream, frame, descriptors)).await?;
    write_all(stream, frame.get(sent..).unwrap_or_default()).await
}

async fn write_all(stream: &tokio::net::UnixStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
