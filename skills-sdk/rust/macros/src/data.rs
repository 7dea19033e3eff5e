//! `#[input]` and `#[output]`: serde's and schemars' derives, found through the SDK.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Error, Field, Fields, Ident, Meta, Path, Token, parse_quote};

/// What a type is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A tool takes it.
    Input,
    /// A tool returns it.
    Output,
}

impl Role {
    fn attribute(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Input => Self::Output,
            Self::Output => Self::Input,
        }
    }
}

/// The argument by which one attribute tells the other that both are there.
const BOTH: &str = "__both";

/// Expands either attribute.
pub(crate) fn expand(role: Role, arguments: &TokenStream, item: TokenStream) -> TokenStream {
    derived(role, arguments, item).unwrap_or_else(Error::into_compile_error)
}

fn derived(role: Role, arguments: &TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let name = role.attribute();
    let both = arguments.to_string() == BOTH;
    if !arguments.is_empty() && !both {
        return Err(Error::new_spanned(arguments, format!("`#[{name}]` takes no arguments: remove them")));
    }
    let original = item.clone();
    let mut item: DeriveInput = syn::parse2(item).map_err(|_| {
        Error::new_spanned(original, format!("`#[{name}]` goes on a struct or an enum: move it there"))
    })?;
    if let Data::Union(union) = &item.data {
        let message = format!("`#[{name}]` goes on a struct or an enum; a union is not JSON");
        return Err(Error::new(union.union_token.span(), message));
    }
    if leave_to_other(role, &mut item) {
        return Ok(item.into_token_stream());
    }

    let takes = both || role == Role::Input;
    let returns = both || role == Role::Output;
    let deserialize = takes.then(|| quote!(::openclaw_skill::serde::Deserialize,));
    let serialize = returns.then(|| quote!(::openclaw_skill::serde::Serialize,));
    let strict = (takes && can_refuse_unknown_fields(&item)).then(|| quote!(#[serde(deny_unknown_fields)]));
    Ok(quote! {
        #[derive(#deserialize #serialize ::openclaw_skill::schemars::JsonSchema)]
        #[serde(crate = "::openclaw_skill::serde")]
        #[schemars(crate = "::openclaw_skill::schemars")]
        #strict
        #item
    })
}

/// The schema is derived once, so of two attributes the last does the work of both.
fn leave_to_other(role: Role, item: &mut DeriveInput) -> bool {
    let other = role.other().attribute();
    let is_other = |path: &Path| path.segments.last().is_some_and(|segment| segment.ident == other);
    for attribute in &mut item.attrs {
        if let Meta::Path(path) = &attribute.meta
            && is_other(path)
        {
            let both = Ident::new(BOTH, path.span());
            attribute.meta = parse_quote!(#path(#both));
            return true;
        }
    }
    false
}

/// serde refuses the setting twice, and cannot combine it with flattened fields.
fn can_refuse_unknown_fields(item: &DeriveInput) -> bool {
    let set_already = has_serde(&item.attrs, "deny_unknown_fields");
    let named = |fields: &Fields| matches!(fields, Fields::Named(_));
    let (any_named, any_flattened) = match &item.data {
        Data::Struct(data) => (named(&data.fields), data.fields.iter().any(is_flattened)),
        Data::Enum(data) => (
            data.variants.iter().any(|variant| named(&variant.fields)),
            data.variants.iter().any(|variant| variant.fields.iter().any(is_flattened)),
        ),
        Data::Union(_) => (false, false),
    };
    any_named && !any_flattened && !set_already
}

fn is_flattened(field: &Field) -> bool {
    has_serde(&field.attrs, "flatten")
}

fn has_serde(attributes: &[Attribute], setting: &str) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("serde")).any(|attribute| {
        let settings = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
        settings.is_ok_and(|settings| settings.iter().any(|meta| meta.path().is_ident(setting)))
    })
}
