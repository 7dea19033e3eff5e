//! Metadata: what the system says of a file, in the terms of `wasi:filesystem`.

use std::os::fd::AsFd;

use rustix::fs::{FileType, Stat, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, fstat};
use sha2::{Digest, Sha256};
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;

use super::error::FsResult;
use crate::bindings::wasi::filesystem::types::{
    DescriptorStat, DescriptorType, ErrorCode, MetadataHashValue, NewTimestamp,
};

/// The attributes of an open file.
#[allow(clippy::useless_conversion, reason = "how wide these numbers are differs between systems")]
pub(super) fn attributes(fd: impl AsFd) -> FsResult<DescriptorStat> {
    let stat = fstat(fd)?;
    Ok(DescriptorStat {
        type_: type_of(FileType::from_raw_mode(stat.st_mode)),
        link_count: u64::from(stat.st_nlink),
        size: u64::try_from(stat.st_size).unwrap_or(0),
        data_access_timestamp: datetime(stat.st_atime.into(), stat.st_atime_nsec.into()),
        data_modification_timestamp: datetime(stat.st_mtime.into(), stat.st_mtime_nsec.into()),
        status_change_timestamp: datetime(stat.st_ctime.into(), stat.st_ctime_nsec.into()),
    })
}

/// What a file is, as guests are told.
pub(super) fn type_of(kind: FileType) -> DescriptorType {
    match kind {
        FileType::RegularFile => DescriptorType::RegularFile,
        FileType::Directory => DescriptorType::Directory,
        FileType::Symlink => DescriptorType::SymbolicLink,
        FileType::Fifo => DescriptorType::Fifo,
        FileType::Socket => DescriptorType::Socket,
        FileType::CharacterDevice => DescriptorType::CharacterDevice,
        FileType::BlockDevice => DescriptorType::BlockDevice,
        FileType::Unknown => DescriptorType::Unknown,
    }
}

/// A time, unless it is before 1970, for which there is no value.
fn datetime(seconds: i128, nanoseconds: i128) -> Option<Datetime> {
    Some(Datetime { seconds: seconds.try_into().ok()?, nanoseconds: nanoseconds.try_into().ok()? })
}

/// The times that a guest wants a file to have.
pub(super) fn times(access: NewTimestamp, modification: NewTimestamp) -> Result<Timestamps, ErrorCode> {
    Ok(Timestamps { last_access: timespec(access)?, last_modification: timespec(modification)? })
}

fn timespec(new: NewTimestamp) -> Result<Timespec, ErrorCode> {
    Ok(match new {
        NewTimestamp::NoChange => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        NewTimestamp::Now => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
        NewTimestamp::Timestamp(Datetime { nanoseconds: 1_000_000_000.., .. }) => {
            return Err(ErrorCode::Invalid);
        }
        NewTimestamp::Timestamp(time) => Timespec {
            tv_sec: time.seconds.try_into().map_err(|_| ErrorCode::Overflow)?,
            tv_nsec: time.nanoseconds.into(),
        },
    })
}

/// A hash that is the same for the same file however it changes, since standard libraries take it for
/// the file's serial number, and that does not give that number away.
pub(super) fn identity_hash(fd: impl AsFd) -> FsResult<MetadataHashValue> {
    let stat = fstat(fd)?;
    let digest = Sha256::new()
        .chain_update(b"openclaw file identity")
        .chain_update(i128::from(stat.st_dev).to_le_bytes())
        .chain_update(i128::from(stat.st_ino).to_le_bytes())
        .finalize();
    let word = |bytes: &[u8]| bytes.iter().fold(0, |word: u64, byte| (word << 8) | u64::from(*byte));
    let (lower, rest) = digest.split_at(8);
    let (upper, _) = rest.split_at(8);
    Ok(MetadataHashValue { lower: word(lower), upper: word(upper) })
}

/// Whether two descriptors are of the same file.
pub(super) fn is_same(a: impl AsFd, b: impl AsFd) -> FsResult<bool> {
    let identity = |stat: Stat| (stat.st_dev, stat.st_ino);
    Ok(identity(fstat(a)?) == identity(fstat(b)?))
}
