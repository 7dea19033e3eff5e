//! Compile bombs: small modules that are much work to compile.

use wasm_encoder::{
    BlockType, CodeSection, Function, FunctionSection, Instruction, Module, TypeSection, ValType,
};

/// A component with one more core module in it, which is compiled and never instantiated.
#[must_use]
pub fn with_module(component: &[u8], module: &[u8]) -> Vec<u8> {
    const CORE_MODULE_SECTION: u8 = 1;
    let mut whole = component.to_vec();
    whole.push(CORE_MODULE_SECTION);
    let mut size = module.len();
    while size >= 0x80 {
        whole.push(u8::try_from(size & 0x7f).unwrap_or_default() | 0x80);
        size >>= 7;
    }
    whole.push(u8::try_from(size).unwrap_or_default());
    whole.extend_from_slice(module);
    whole
}

/// Blocks within blocks, each with a branch to the outermost.
#[must_use]
pub fn nested_blocks(depth: u32) -> Vec<u8> {
    let body = |function: &mut Function| {
        for level in 0..depth {
            function.instruction(&Instruction::Block(BlockType::Empty));
            function.instruction(&Instruction::LocalGet(0));
            function.instruction(&Instruction::BrIf(level));
        }
        for _ in 0..depth {
            function.instruction(&Instruction::End);
        }
    };
    module(1, &[], body)
}

/// Loops within loops, each of which may go on with any other.
#[must_use]
pub fn nested_loops(depth: u32) -> Vec<u8> {
    let body = |function: &mut Function| {
        for level in 0..depth {
            function.instruction(&Instruction::Loop(BlockType::Empty));
            function.instruction(&Instruction::LocalGet(0));
            function.instruction(&Instruction::I32Const(1));
            function.instruction(&Instruction::I32Sub);
            function.instruction(&Instruction::LocalTee(0));
            function.instruction(&Instruction::BrIf(level / 2));
        }
        for _ in 0..depth {
            function.instruction(&Instruction::End);
        }
    };
    module(1, &[], body)
}

/// Functions without end, none of which does anything.
#[must_use]
pub fn many_functions(count: u32) -> Vec<u8> {
    module(count, &[], |_| ())
}

/// Functions with as many locals as there may be, all of which live through a loop.
#[must_use]
pub fn huge_locals(functions: u32, locals: u32) -> Vec<u8> {
    let body = |function: &mut Function| {
        function.instruction(&Instruction::Loop(BlockType::Empty));
        for local in 1..locals {
            function.instruction(&Instruction::LocalGet(local));
            function.instruction(&Instruction::LocalGet(local / 2));
            function.instruction(&Instruction::I32Add);
            function.instruction(&Instruction::LocalSet(local));
        }
        function.instruction(&Instruction::LocalGet(1));
        function.instruction(&Instruction::BrIf(0));
        function.instruction(&Instruction::End);
    };
    module(functions, &[(locals, ValType::I32)], body)
}

/// A jump to any of a great many places.
#[must_use]
pub fn giant_br_table(functions: u32, targets: u32) -> Vec<u8> {
    let labels: Vec<u32> = (0..targets).map(|target| target % 512).collect();
    let body = |function: &mut Function| {
        for _ in 0..512 {
            function.instruction(&Instruction::Block(BlockType::Empty));
        }
        function.instruction(&Instruction::LocalGet(0));
        function.instruction(&Instruction::BrTable(labels.as_slice().into(), 0));
        for _ in 0..512 {
            function.instruction(&Instruction::End);
        }
    };
    module(functions, &[], body)
}

/// A module of functions that take one number, all of one body.
fn module(functions: u32, locals: &[(u32, ValType)], body: impl Fn(&mut Function)) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], []);
    let mut declared = FunctionSection::new();
    let mut code = CodeSection::new();
    let mut function = Function::new(locals.iter().copied());
    body(&mut function);
    function.instruction(&Instruction::End);
    for _ in 0..functions {
        declared.function(0);
        code.function(&function);
    }
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&code);
    module.finish()
}
