//! What a host and its worker say to each other: frames of JSON over socket pairs, some with a descriptor.
//!
//! A frame is its length, four bytes with the most significant first, and that many bytes of JSON.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use openclaw_package::digest::Digest;
use openclaw_package::name::SkillId;
use openclaw_package::permission::Requests;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::audit::Bytes;
use crate::bindings::exports::openclaw::skill::tools::ToolError;
use crate::capability::network::dial::DialError;
use crate::dispatch::Report;
use crate::policy::Policy;
use crate::sandbox::{Fault, Limits};

/// The most that a frame may have: the largest result there can be, each byte of it escaped.
pub(super) const FRAME_BYTES: usize = 64 << 20;
/// Bytes of a frame's length.
pub(super) const LENGTH_BYTES: usize = 4;

/// Host to worker on the side channel, with the artefact's descriptor: what the worker works for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Begin {
    pub(super) skill: SkillId,
    pub(super) component: Digest,
    pub(super) requests: Requests,
    /// The owner's rules for this skill, and for no other.
    pub(super) policy: Policy,
    pub(super) limits: Limits,
    pub(super) workspace: Option<PathBuf>,
    /// The host's own directories, which no tree gives away.
    pub(super) own: Vec<PathBuf>,
    pub(super) data: PathBuf,
    pub(super) memory: PathBuf,
}

/// Worker to host on the side channel, before anything else: whether it can work.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Begun {
    Ready,
    /// The component does not fit this host.
    DoesNotLink(String),
    /// A granted directory cannot be opened.
    NoTree {
        path: PathBuf,
        reason: String,
    },
    /// The engine does not start, or this machine cannot confine a process.
    Failed(String),
}

/// Host to worker on the call channel.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) number: u64,
    pub(super) tool: String,
    pub(super) input: String,
}

/// Worker to host on the call channel.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Finished {
    pub(super) number: u64,
    pub(super) end: End,
}

/// How a call ended in the worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum End {
    Outcome {
        answer: Answer,
        report: Report,
        bytes: Bytes,
        requests: u64,
    },
    /// A granted directory cannot be opened any more.
    NoTree {
        path: PathBuf,
        reason: String,
    },
}

/// What the tool answered, or why it did not.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Result(String),
    UnknownTool,
    InvalidInput(String),
    Denied(String),
    Failed(String),
    Fault(Fault),
}

/// Host to worker on the side channel.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Meanwhile {
    /// The call of that number is to end.
    Cancel(u64),
    /// What came of a wish; with the connection's descriptor if there is one.
    Dialled { id: u64, result: Result<(), DialError> },
}

/// Worker to host on the side channel: a connection is wanted for a request of the guest.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Wish {
    pub(super) id: u64,
    pub(super) method: String,
    pub(super) url: String,
    pub(super) patience: Duration,
}

impl From<Result<Result<String, ToolError>, Fault>> for Answer {
    fn from(answer: Result<Result<String, ToolError>, Fault>) -> Self {
        match answer {
            Ok(Ok(result)) => Self::Result(result),
            Ok(Err(ToolError::UnknownTool)) => Self::UnknownTool,
            Ok(Err(ToolError::InvalidInput(reason))) => Self::InvalidInput(reason),
            Ok(Err(ToolError::Denied(reason))) => Self::Denied(reason),
            Ok(Err(ToolError::Failed(reason))) => Self::Failed(reason),
            Err(fault) => Self::Fault(fault),
        }
    }
}

impl From<Answer> for Result<Result<String, ToolError>, Fault> {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Result(result) => Ok(Ok(result)),
            Answer::UnknownTool => Ok(Err(ToolError::UnknownTool)),
            Answer::InvalidInput(reason) => Ok(Err(ToolError::InvalidInput(reason))),
            Answer::Denied(reason) => Ok(Err(ToolError::Denied(reason))),
            Answer::Failed(reason) => Ok(Err(ToolError::Failed(reason))),
            Answer::Fault(fault) => Err(fault),
        }
    }
}

/// A frame as it goes out.
pub(super) fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; LENGTH_BYTES];
    serde_json::to_writer(&mut frame, message)?;
    let length = u32::try_from(frame.len() - LENGTH_BYTES).map_err(io::Error::other)?;
    if let Some(head) = frame.first_chunk_mut::<LENGTH_BYTES>() {
        *head = length.to_be_bytes();
    }
    Ok(frame)
}

/// Writes a frame, and waits until it is written.
pub(super) fn write(mut stream: &UnixStream, message: &impl Serialize) -> io::Result<()> {
    stream.write_all(&encode(message)?)
}

/// Reads a frame, and waits for it; none where the other side has closed.
pub(super) fn read<T: DeserializeOwned>(stream: &UnixStream) -> io::Result<Option<T>> {
    Ok(read_with_descriptor(stream)?.map(|(message, _)| message))
}

/// The same, with the descriptor that came along, if one did.
pub(super) fn read_with_descriptor<T: DeserializeOwned>(
    mut stream: &UnixStream,
) -> io::Result<Option<(T, Option<OwnedFd>)>> {
    let mut head = [0; LENGTH_BYTES];
    let (got, descriptor) = receive(stream, &mut head)?;
    if got == 0 {
        return Ok(None);
    }
    stream.read_exact(head.get_mut(got..).unwrap_or_default())?;
    let length = usize::try_from(u32::from_be_bytes(head)).map_err(io::Error::other)?;
    if length > FRAME_BYTES {
        return Err(io::Error::other("a frame is too long"));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Some((serde_json::from_slice(&body)?, descriptor)))
}

fn receive(stream: &UnixStream, into: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let message = loop {
        match recvmsg(stream, &mut [IoSliceMut::new(into)], &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            message => break message?,
        }
    };
    let descriptor = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    Ok((message.bytes, descriptor))
}

/// Sends as much of a frame as there is room for, with a descriptor; answers how much that was.
pub(super) fn send_with_descriptor(
    stream: impl AsFd,
    frame: &[u8],
    descriptor: BorrowedFd<'_>,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor];
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("no room for a descriptor"));
    }
    Ok(sendmsg(stream, &[IoSlice::new(frame)], &mut control, SendFlags::NOSIGNAL)?)
}
