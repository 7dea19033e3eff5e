//! What both sides of the wire agree on: names, permission requests, manifest, archive, digest, signature.
//!
//! The crate is pure and synchronous. It opens no connection and runs no guest code; what it reads from
//! outside is bounded by constants or by a [`Limits`] argument before it is parsed. Every error has a stable
//! `code()`, a message that states the fact, and a `hint()` that says what to do next.

pub mod archive;
pub mod bytesize;
pub mod component;
mod conversions;
pub mod digest;
pub mod envelope;
mod json;
pub mod key;
pub mod log;
pub mod manifest;
pub mod name;
pub mod package;
pub mod permission;
pub mod registry;
pub mod skill_md;
pub mod statement;
pub mod text;
pub mod tools;

pub use archive::{ArchiveError, ArchiveReader, FileRecord, Limits, PackagePath};
pub use bytesize::{ByteSize, ByteSizeError};
pub use component::{ComponentError, HOST_WIT_VERSION, Imports, Interface, ProofError, WASI_VERSION};
pub use digest::{Digest, DigestError};
pub use envelope::{Envelope, EnvelopeError, VerifiedPayload};
pub use json::JsonError;
pub use key::{KeyError, PublicKey, SigningKey};
pub use manifest::{
    CommandTrigger, CronTrigger, Manifest, ManifestError, RequestedLimits, Schedule, ScheduleError, Trigger,
    ZoneName,
};
pub use name::{NameError, PublisherName, SecretName, SkillId, SkillName, ToolId, ToolName};
pub use package::{
    Depth, Package, PackageSource, Packed, RefusalError, UnsignedPackage, VerifiedPackage,
    read_unsigned_dir_unverified, read_unsigned_unverified, verify_archive, verify_dir,
};
pub use permission::{
    AbsolutePath, Access, ArgumentPattern, AskRequest, Domain, Environment, FilesystemRequest, Helper,
    HostPattern, LlmRequest, MemoryRequest, Method, MethodSet, NetworkRequest, PermissionError,
    PermissionKind, ProcessRequest, Program, Reason, Requests, Scheme, SecretHost, SecretPlace,
    SecretRequest, Shape, Tree, UrlPattern, VariableName, VariablePattern,
};
pub use registry::{Origin, OriginError};
pub use skill_md::{SkillMd, SkillMdError};
pub use statement::{Statement, StatementError};
pub use tools::{Tool, ToolList, ToolsError};
