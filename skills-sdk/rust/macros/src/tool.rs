//! One public function of the block, as a tool.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, Expr, FnArg, GenericArgument, Ident, ImplItemFn, Lit, Meta, PathArguments, PathSegment,
    ReturnType, Signature, Type,
};

/// The longest name of a tool.
const LONGEST_NAME: usize = 64;

/// A function that became a tool.
pub(crate) struct Tool {
    /// In kebab-case.
    pub(crate) name: String,
    /// The function's name.
    pub(crate) function: Ident,
    description: String,
    takes_context: bool,
    input: Option<Type>,
    output: Type,
    cfgs: Vec<Attribute>,
}

impl Tool {
    /// Reads a function, or says what keeps it from being a tool.
    pub(crate) fn parse(function: &ImplItemFn) -> syn::Result<Self> {
        let signature = &function.sig;
        refuse_forms(signature)?;
        let (takes_context, input) = arguments(signature)?;
        Ok(Self {
            name: name(&signature.ident)?,
            function: signature.ident.clone(),
            description: description(function)?,
            takes_context,
            input,
            output: output(signature)?,
            cfgs: function
                .attrs
                .iter()
                .filter(|attribute| attribute.path().is_ident("cfg"))
                .cloned()
                .collect(),
        })
    }

    /// The conditions under which the tool exists.
    pub(crate) fn cfgs(&self) -> TokenStream {
        let cfgs = &self.cfgs;
        quote!(#(#cfgs)*)
    }

    /// A type that stands for the tool, and its implementation of the SDK's trait.
    pub(crate) fn function(&self, skill: &Type, marker: &Ident) -> TokenStream {
        let Self { name, function, description, output, .. } = self;
        let cfgs = self.cfgs();
        let no_input = quote!(::openclaw_skill::__private::NoInput);
        let input = self.input.as_ref().map_or(no_input, ToTokens::to_token_stream);
        let mut arguments = Vec::new();
        if self.takes_context {
            arguments.push(quote!(ctx));
        }
        if self.input.is_some() {
            arguments.push(quote!(input));
        }
        // A fault in the types is the author's line's.
        let call = quote_spanned!(output.span()=> <#skill>::#function(#(#arguments),*));
        quote! {
            #cfgs
            struct #marker;

            #cfgs
            impl ::openclaw_skill::__private::ToolFunction for #marker {
                type Input = #input;
                type Output = #output;
                const NAME: &'static str = #name;
                const DESCRIPTION: &'static str = #description;

                #[allow(unused_variables)]
                fn run(
                    ctx: &::openclaw_skill::Context,
                    input: Self::Input,
                ) -> ::openclaw_skill::Result<Self::Output> {
                    ::openclaw_skill::__private::result(#call)
                }
            }
        }
    }
}

fn refuse_forms(signature: &Signature) -> syn::Result<()> {
    if let Some(asyncness) = &signature.asyncness {
        return Err(Error::new(asyncness.span(), "a tool is called and answers: remove `async`"));
    }
    if let Some(unsafety) = &signature.unsafety {
        return Err(Error::new(unsafety.span(), "a tool is safe to call: remove `unsafe`"));
    }
    if let Some(abi) = &signature.abi {
        return Err(Error::new_spanned(abi, "a tool is an ordinary function: remove `extern`"));
    }
    if !signature.generics.params.is_empty() {
        let message = "a tool has one input type, which the schema describes: remove the parameters";
        return Err(Error::new_spanned(&signature.generics.params, message));
    }
    Ok(())
}

/// Whether the function takes the context, and the type of its input.
fn arguments(signature: &Signature) -> syn::Result<(bool, Option<Type>)> {
    let mut types = Vec::new();
    for argument in &signature.inputs {
        match argument {
            FnArg::Receiver(receiver) => {
                return Err(Error::new_spanned(
                    receiver,
                    "a skill keeps nothing between calls: remove `self`, or the `pub` of a helper",
                ));
            }
            FnArg::Typed(typed) => types.push(&*typed.ty),
        }
    }
    match types.as_slice() {
        [] => Ok((false, None)),
        [only] if is_context(only)? => Ok((true, None)),
        [only] => Ok((false, Some(input(only)?))),
        [first, second] if is_context(first)? => Ok((true, Some(input(second)?))),
        [first, _] => Err(Error::new_spanned(first, "the first of two arguments is `ctx: &Context`")),
        [_, _, rest @ ..] => {
            let span = rest.first().map_or_else(|| signature.ident.span(), Spanned::span);
            let message = "a tool takes `(ctx: &Context, input: T)`: put the rest into the input's fields";
            Err(Error::new(span, message))
        }
    }
}

fn is_context(ty: &Type) -> syn::Result<bool> {
    let (target, shared) = match ty {
        Type::Reference(reference) => (&*reference.elem, reference.mutability.is_none()),
        other => (other, false),
    };
    let context = last_segment(target).is_some_and(|segment| segment.ident == "Context");
    if context && !shared {
        return Err(Error::new_spanned(ty, "a tool borrows the context: write `&Context`"));
    }
    Ok(context)
}

fn input(ty: &Type) -> syn::Result<Type> {
    let advice = "take a struct with named fields: `#[input] struct Greeting { … }`";
    match ty {
        Type::Reference(_) => {
            Err(Error::new_spanned(ty, format!("a tool owns its input, remove the `&`; {advice}")))
        }
        Type::ImplTrait(_) => Err(Error::new_spanned(ty, format!("a tool has one input type; {advice}"))),
        _ if is_no_object(ty) => {
            Err(Error::new_spanned(ty, format!("a tool's input is a JSON object; {advice}")))
        }
        _ => Ok(ty.clone()),
    }
}

/// Whether a type is known to be no JSON object; of the others the schema tells.
fn is_no_object(ty: &Type) -> bool {
    const SCALARS: [&str; 21] = [
        "String", "PathBuf", "Vec", "VecDeque", "HashSet", "BTreeSet", "Option", "bool", "char", "i8", "i16",
        "i32", "i64", "isize", "u8", "u16", "u32", "u64", "usize", "f32", "f64",
    ];
    match ty {
        Type::Tuple(_) | Type::Array(_) | Type::Slice(_) => true,
        _ => last_segment(ty).is_some_and(|segment| SCALARS.iter().any(|scalar| segment.ident == scalar)),
    }
}

/// `T` of `Result<T>`.
fn output(signature: &Signature) -> syn::Result<Type> {
    let advice = "a tool returns `Result<T>` with what it gives: `#[output] struct Greeted { … }`";
    let returned = match &signature.output {
        ReturnType::Default => return Err(Error::new(signature.ident.span(), advice)),
        ReturnType::Type(_, returned) => returned,
    };
    let segment = last_segment(returned).filter(|segment| segment.ident == "Result");
    let Some(PathArguments::AngleBracketed(arguments)) = segment.map(|segment| &segment.arguments) else {
        return Err(Error::new_spanned(returned, advice));
    };
    match arguments.args.first() {
        Some(GenericArgument::Type(Type::ImplTrait(output))) => Err(Error::new_spanned(output, advice)),
        Some(GenericArgument::Type(output)) => Ok(output.clone()),
        _ => Err(Error::new_spanned(returned, advice)),
    }
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        Type::Paren(inner) => last_segment(&inner.elem),
        Type::Group(inner) => last_segment(&inner.elem),
        _ => None,
    }
}

/// `smart_commit` → `smart-commit`.
fn name(function: &Ident) -> syn::Result<String> {
    let text = function.unraw().to_string();
    let words: Vec<_> = text.split('_').filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let name = words.join("-");
    let fits = !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fits {
        Ok(name)
    } else {
        let message = format!("a tool's name has 1 to {LONGEST_NAME} of `a`-`z`, `0`-`9` and `_`: rename it");
        Err(Error::new(function.span(), message))
    }
}

/// The doc comment, without the space after its slashes.
fn description(function: &ImplItemFn) -> syn::Result<String> {
    let mut lines = Vec::new();
    for attribute in function.attrs.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        if let Meta::NameValue(doc) = &attribute.meta
            && let Expr::Lit(literal) = &doc.value
            && let Lit::Str(text) = &literal.lit
        {
            let text = text.value();
            lines.extend(
                text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()),
            );
            if text.is_empty() {
                lines.push(String::new());
            }
        }
    }
    let description = lines.join("\n").trim().to_owned();
    if description.is_empty() {
        let message = "a tool needs a doc comment: agents choose it by its description, write \
                       `/// What it does and when to use it.` above";
        return Err(Error::new(function.sig.ident.span(), message));
    }
    Ok(description)
}
