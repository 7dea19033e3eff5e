//! One gzip member with a fixed header (RFC 1952), and nothing after it.

use std::io::{self, BufRead, BufReader, Read, Take, Write};

use flate2::bufread::DeflateDecoder;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use super::ArchiveError;

/// Magic, deflate, no flags, no time, best compression, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
const FLAGS: usize = 3;
const LEVEL: u32 = 9;

/// Compresses what is written to it.
pub(super) struct GzipWriter<W: Write> {
    deflate: DeflateEncoder<W>,
    crc: Crc,
}

impl<W: Write> GzipWriter<W> {
    /// Writes the header.
    pub(super) fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&HEADER)?;
        Ok(Self { deflate: DeflateEncoder::new(out, Compression::new(LEVEL)), crc: Crc::new() })
    }

    /// Writes the trailer.
    pub(super) fn finish(self) -> io::Result<W> {
        let mut out = self.deflate.finish()?;
        out.write_all(&self.crc.sum().to_le_bytes())?;
        out.write_all(&self.crc.amount().to_le_bytes())?;
        Ok(out)
    }
}

impl<W: Write> Write for GzipWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.deflate.write(bytes)?;
        self.crc.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.deflate.flush()
    }
}

/// Decompresses one member, in bounded memory, reading no more than a limit.
pub(super) struct GzipReader<R: Read> {
    deflate: DeflateDecoder<BufReader<Take<R>>>,
    crc: Crc,
    limit: u64,
}

impl<R: Read> GzipReader<R> {
    /// Reads the header, which must be the fixed one.
    pub(super) fn new(input: R, limit: u64) -> Result<Self, ArchiveError> {
        // One byte more than the limit, so that passing it can be told from ending at it.
        let mut input = BufReader::new(input.take(limit.saturating_add(1)));
        let mut header = [0; HEADER.len()];
        read_exact(&mut input, &mut header)?;
        check_header(&header)?;
        Ok(Self { deflate: DeflateDecoder::new(input), crc: Crc::new(), limit })
    }

    /// Fills a buffer from the decompressed stream.
    pub(super) fn read_exact(&mut self, mut buffer: &mut [u8]) -> Result<(), ArchiveError> {
        while !buffer.is_empty() {
            let count = self.read_some(buffer)?;
            if count == 0 {
                return Err(ArchiveError::Truncated);
            }
            buffer = buffer.get_mut(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// Reads some of the decompressed stream; zero at its end.
    pub(super) fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
        let count = match self.deflate.read(buffer) {
            Ok(count) => count,
            Err(error) => return Err(self.describe(error)),
        };
        self.crc.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }

    /// Checks that the stream ends here: the trailer is right and nothing follows it.
    pub(super) fn finish(mut self) -> Result<(), ArchiveError> {
        if self.read_some(&mut [0])? != 0 {
            return Err(ArchiveError::TrailingData);
        }
        let limit = self.limit;
        let mut input = self.deflate.into_inner();
        let mut trailer = [0; 8];
        read_exact(&mut input, &mut trailer)?;
        let (sum, amount) = (self.crc.sum().to_le_bytes(), self.crc.amount().to_le_bytes());
        if !trailer.iter().eq(sum.iter().chain(&amount)) {
            return Err(ArchiveError::Gzip("has a wrong checksum"));
        }
        let ended = input.fill_buf().map_err(ArchiveError::io("reading the archive"))?.is_empty();
        if input.get_ref().limit() == 0 {
            return Err(ArchiveError::TooLarge { limit });
        }
        if ended { Ok(()) } else { Err(ArchiveError::TrailingData) }
    }

    fn describe(&self, error: io::Error) -> ArchiveError {
        let exhausted = self.deflate.get_ref().get_ref().limit() == 0;
        match error.kind() {
            io::ErrorKind::UnexpectedEof if exhausted => ArchiveError::TooLarge { limit: self.limit },
            io::ErrorKind::UnexpectedEof => ArchiveError::Truncated,
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => ArchiveError::Damaged,
            _ => ArchiveError::Io { what: "reading the archive".to_owned(), error },
        }
    }
}

fn check_header(header: &[u8; 10]) -> Result<(), ArchiveError> {
    if header == &HEADER {
        return Ok(());
    }
    let problem = match header {
        [0x1f, 0x8b, 8, ..] if header.get(FLAGS) != Some(&0) => "has extra fields in its header",
        [0x1f, 0x8b, 8, ..] => "has a time or system in its header",
        _ => "does not begin as one",
    };
    Err(ArchiveError::Gzip(problem))
}

fn read_exact(input: &mut impl Read, buffer: &mut [u8]) -> Result<(), ArchiveError> {
    input.read_exact(buffer).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => ArchiveError::Truncated,
        _ => ArchiveError::Io { what: "reading the archive".to_owned(), error },
    })
}
