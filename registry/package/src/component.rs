//! What a component imports and exports, read from its bytes before any of its code runs.

mod interface;
mod proof;

use wasmparser::{
    ComponentExternalKind, ComponentTypeRef, Encoding, Parser, Payload, TypeBounds, Validator, WasmFeatures,
};

use crate::text::quoted;

pub use interface::{Interface, InterfaceError};
pub use proof::{HOST_WIT_VERSION, ProofError, WASI_VERSION};

/// The largest component, in bytes.
pub const MAX_COMPONENT_SIZE: usize = 48 << 20;

/// The most imports and exports that are looked at.
const MAX_NAMES: usize = 1024;

/// What a compiler for wasm32-wasip2 emits, and nothing that a sandbox would have to pay for.
const FEATURES: WasmFeatures = WasmFeatures::MVP
    .union(WasmFeatures::MUTABLE_GLOBAL)
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::COMPONENT_MODEL);

/// Why bytes are not a component that a skill can be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ComponentError {
    /// More than [`MAX_COMPONENT_SIZE`] bytes.
    #[error("the component has {0} bytes, more than {MAX_COMPONENT_SIZE}")]
    TooLarge(usize),
    /// The bytes do not begin as WebAssembly does.
    #[error("this is not WebAssembly")]
    NotWasm,
    /// A core module.
    #[error("this is a core module, not a component")]
    CoreModule,
    /// Native code: an ELF file, as ahead-of-time compilers make.
    #[error("this is precompiled native code, not a component")]
    Precompiled,
    /// It does not validate, or uses a proposal that is off.
    #[error("the component is not valid at byte {offset}: {problem}")]
    Invalid {
        /// Where, in bytes.
        offset: usize,
        /// What the validator says.
        problem: String,
    },
    /// An import that is not an interface.
    #[error("the component imports {name:?}, which is {kind}, not an interface")]
    NotAnInterface {
        /// The name of the import.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// More imports and exports than any skill has.
    #[error("the component has more than {MAX_NAMES} imports and exports")]
    TooManyNames,
}

impl ComponentError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "component-too-large",
            Self::NotWasm => "not-wasm",
            Self::CoreModule => "core-module",
            Self::Precompiled => "precompiled",
            Self::Invalid { .. } | Self::TooManyNames => "invalid-component",
            Self::NotAnInterface { .. } => "not-an-interface",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::TooLarge(_) => "build with --release and strip the debug information".to_owned(),
            Self::NotWasm | Self::CoreModule => {
                "build for wasm32-wasip2, or run `openclaw skill build`".to_owned()
            }
            Self::Precompiled => {
                "ship the WebAssembly component; the host compiles it itself".to_owned()
            }
            Self::Invalid { .. } | Self::TooManyNames => {
                "build it anew with `openclaw skill build`; threads, memory64, gc, exceptions and async are off"
                    .to_owned()
            }
            Self::NotAnInterface { .. } => {
                "build against the worlds of openclaw:skill, which import interfaces only".to_owned()
            }
        })
    }
}

/// The interfaces that a validated component imports and exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imports {
    imports: Vec<Interface>,
    exports: Vec<Export>,
}

/// Something a component exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Export {
    Interface(Interface),
    Other(String),
}

impl Imports {
    /// Validates a component and reads the names of its imports and exports.
    ///
    /// # Errors
    ///
    /// Bytes that are not a component, do not validate with the features that are on, or import anything but
    /// interfaces.
    pub fn read(bytes: &[u8]) -> Result<Self, ComponentError> {
        if bytes.len() > MAX_COMPONENT_SIZE {
            return Err(ComponentError::TooLarge(bytes.len()));
        }
        check_kind(bytes)?;
        Validator::new_with_features(FEATURES).validate_all(bytes).map_err(|error| invalid(&error))?;
        let mut found = Self { imports: Vec::new(), exports: Vec::new() };
        // Sections of nested modules and components come in between and are not the component's own.
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(|error| invalid(&error))? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        let import = import.map_err(|error| invalid(&error))?;
                        found.import(import.name.name, import.ty)?;
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        let export = export.map_err(|error| invalid(&error))?;
                        found.export(export.name.name, export.kind)?;
                    }
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// The interfaces that are imported, in the component's order.
    pub fn imports(&self) -> &[Interface] {
        &self.imports
    }

    /// The interfaces that are exported, in the component's order.
    pub fn exports(&self) -> impl Iterator<Item = &Interface> {
        self.exports.iter().filter_map(|export| match export {
            Export::Interface(interface) => Some(interface),
            Export::Other(_) => None,
        })
    }

    fn import(&mut self, name: &str, ty: ComponentTypeRef) -> Result<(), ComponentError> {
        let kind = match ty {
            ComponentTypeRef::Instance(_) => "an instance without an interface's name",
            ComponentTypeRef::Func(_) => "a function",
            ComponentTypeRef::Value(_) => "a value",
            ComponentTypeRef::Module(_) => "a module",
            ComponentTypeRef::Component(_) => "a component",
            // A name for a type that is known already holds nothing.
            ComponentTypeRef::Type(TypeBounds::Eq(_)) => return Ok(()),
            ComponentTypeRef::Type(TypeBounds::SubResource) => "a resource",
        };
        match name.parse() {
            Ok(interface) if matches!(ty, ComponentTypeRef::Instance(_)) => self.imports.push(interface),
            _ => return Err(ComponentError::NotAnInterface { name: quoted(name), kind }),
        }
        self.bounded()
    }

    fn export(&mut self, name: &str, kind: ComponentExternalKind) -> Result<(), ComponentError> {
        self.exports.push(match name.parse() {
            Ok(interface) if kind == ComponentExternalKind::Instance => Export::Interface(interface),
            _ => Export::Other(quoted(name)),
        });
        self.bounded()
    }

    fn bounded(&self) -> Result<(), ComponentError> {
        if self.imports.len() + self.exports.len() > MAX_NAMES {
            return Err(ComponentError::TooManyNames);
        }
        Ok(())
    }
}

fn check_kind(bytes: &[u8]) -> Result<(), ComponentError> {
    if bytes.starts_with(b"\x7fELF") {
        return Err(ComponentError::Precompiled);
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(ComponentError::NotWasm);
    }
    match Parser::new(0).parse_all(bytes).next() {
        Some(Ok(Payload::Version { encoding: Encoding::Component, .. })) => Ok(()),
        Some(Ok(Payload::Version { encoding: Encoding::Module, .. })) => Err(ComponentError::CoreModule),
        _ => Err(ComponentError::NotWasm),
    }
}

fn invalid(error: &wasmparser::BinaryReaderError) -> ComponentError {
    ComponentError::Invalid { offset: error.offset(), problem: quoted(error.message()) }
}
