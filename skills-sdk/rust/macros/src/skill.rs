//! `#[skill]`: an impl block becomes tools, their dispatch and a component.

use std::collections::HashMap;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{Error, ImplItem, Item, ItemImpl, LitStr, Type, Visibility};

use crate::component;
use crate::manifest::Manifest;
use crate::tool::Tool;

/// Expands the attribute. The author's block stays as it is, so that a fault of ours brings no
/// faults of the compiler's after it.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let generated = generate(arguments, &item).unwrap_or_else(Error::into_compile_error);
    quote!(#item #generated)
}

fn generate(arguments: TokenStream, item: &TokenStream) -> syn::Result<TokenStream> {
    let path = manifest_path(arguments)?;
    let block = inherent_impl(item)?;
    let tools = tools(&block)?;
    let manifest = Manifest::read(path.as_ref())?;

    let skill = &block.self_ty;
    let permissions = permissions(&manifest);
    let dispatch = dispatch(skill, &tools);
    let component = component::module(&manifest, skill);
    let dependency = &manifest.dependency;
    Ok(quote!(#permissions #dispatch #component #dependency))
}

/// `manifest = "path"`, or nothing.
fn manifest_path(arguments: TokenStream) -> syn::Result<Option<LitStr>> {
    let mut path = None;
    syn::meta::parser(|meta| {
        if meta.path.is_ident("manifest") {
            path = Some(meta.value()?.parse()?);
            Ok(())
        } else {
            Err(meta.error("`#[skill]` has one argument, `manifest = \"path\"`: remove this"))
        }
    })
    .parse2(arguments)?;
    Ok(path)
}

fn inherent_impl(item: &TokenStream) -> syn::Result<ItemImpl> {
    let advice = "`#[skill]` goes on the impl block of the skill's type: `impl Hello { … }`";
    let Ok(Item::Impl(block)) = syn::parse2::<Item>(item.clone()) else {
        return Err(Error::new(Span::call_site(), advice));
    };
    if let Some((_, path, _)) = &block.trait_ {
        let message = format!("{advice}; tools are not the functions of a trait");
        return Err(Error::new_spanned(path, message));
    }
    if !block.generics.params.is_empty() {
        let message = "a skill has no parameters: there is one of it, remove them";
        return Err(Error::new_spanned(&block.generics.params, message));
    }
    Ok(block)
}

/// The block's tools, or all that is wrong with them.
fn tools(block: &ItemImpl) -> syn::Result<Vec<Tool>> {
    let mut tools: Vec<Tool> = Vec::new();
    let mut faults: Option<Error> = None;
    let mut fault = |error: Error| match &mut faults {
        Some(faults) => faults.combine(error),
        None => faults = Some(error),
    };
    let mut any = false;
    let mut names = HashMap::new();
    for item in &block.items {
        let ImplItem::Fn(function) = item else { continue };
        if !matches!(function.vis, Visibility::Public(_)) {
            continue;
        }
        any = true;
        match Tool::parse(function) {
            Ok(tool) => {
                let before = names.insert(tool.name.clone(), tool.function.clone());
                // The compiler refuses the same function twice, unless `cfg` leaves one.
                if let Some(before) = before.filter(|before| *before != tool.function) {
                    fault(Error::new(
                        tool.function.span(),
                        format!("`{before}` is the tool `{}` already: rename one of them", tool.name),
                    ));
                }
                tools.push(tool);
            }
            Err(error) => fault(error),
        }
    }
    if !any {
        fault(Error::new(
            block.self_ty.span(),
            "a skill needs a tool: make a function `pub`, as in `pub fn greet(input: Greeting) -> Result<Greeted>`",
        ));
    }
    match faults {
        Some(faults) => Err(faults),
        None => Ok(tools),
    }
}

/// Brings the methods of `Context` into scope that the manifest declares.
fn permissions(manifest: &Manifest) -> TokenStream {
    let traits = [
        ("Memory", manifest.memory),
        ("Process", manifest.process),
        ("Llm", manifest.llm),
        ("Ask", manifest.ask),
        ("Data", manifest.data),
        ("Workspace", manifest.workspace),
    ];
    let uses = traits.into_iter().map(|(name, declared)| {
        let name = format_ident!("{name}");
        let module = if declared { quote!(permission) } else { quote!(permission::undeclared) };
        quote! {
            #[allow(unused_imports)]
            use ::openclaw_skill::#module::#name as _;
        }
    });
    quote!(#(#uses)*)
}

/// The implementation of `Skill`, natively and in a component.
fn dispatch(skill: &Type, tools: &[Tool]) -> TokenStream {
    let markers: Vec<_> = (0..tools.len()).map(|number| format_ident!("Tool{number}")).collect();
    let cfgs: Vec<_> = tools.iter().map(Tool::cfgs).collect();
    let names = tools.iter().map(|tool| &tool.name);
    let functions = tools.iter().zip(&markers).map(|(tool, marker)| tool.function(skill, marker));
    quote! {
        const _: () = {
            #(#functions)*

            impl ::openclaw_skill::Skill for #skill {
                fn tools() -> ::openclaw_skill::Result<::std::vec::Vec<::openclaw_skill::Tool>> {
                    ::core::result::Result::Ok(::std::vec![
                        #(#cfgs ::openclaw_skill::__private::describe::<#markers>()?,)*
                    ])
                }

                fn call(
                    ctx: &::openclaw_skill::Context,
                    name: &str,
                    input: &str,
                ) -> ::openclaw_skill::Result<::std::string::String> {
                    match name {
                        #(#cfgs #names => ::openclaw_skill::__private::call::<#markers>(ctx, input),)*
                        _ => ::core::result::Result::Err(::openclaw_skill::Error::unknown_tool(name)),
                    }
                }
            }
        };
    }
}
