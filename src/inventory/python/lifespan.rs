//! What an application runs when it starts and stops, and not when a request comes.

use ruff_python_ast::{Expr, Keyword, StmtFunctionDef};

use super::chains::{chain_of, decorator_chain};

/// Decorators of functions that an application runs when it starts or stops.
const DECORATORS: &[&str] = &[
    "on_event",
    "on_startup",
    "on_shutdown",
    "before_serving",
    "after_serving",
    "before_server_start",
    "after_server_start",
    "before_server_stop",
    "after_server_stop",
    "main_process_start",
    "main_process_stop",
];

/// Returns whether a decorator of a function has it run when the application starts or stops.
pub(super) fn is_decorated(def: &StmtFunctionDef) -> bool {
    def.decorator_list.iter().any(|decorator| {
        decorator_chain(decorator).is_some_and(|chain| {
            chain.len() > 1 && chain.last().is_some_and(|last| DECORATORS.contains(last))
        })
    })
}

/// Decorators of functions that an application keeps for its end, its shell or its command line: putting it together
/// does not run them.
const PUT_ASIDE: &[&str] = &[
    "cli",
    "command",
    "shell_context_processor",
    "teardown_app_request",
    "teardown_appcontext",
    "teardown_request",
];

/// Returns whether a decorator of a function puts it aside.
pub(super) fn is_put_aside(def: &StmtFunctionDef) -> bool {
    def.decorator_list
        .iter()
        .filter_map(decorator_chain)
        .any(|chain| chain.len() > 1 && chain.last().is_some_and(|last| PUT_ASIDE.contains(last)))
}

/// Returns whether a call has its arguments run when the application starts or stops: `app.add_event_handler("startup",
/// connect)`, `app.on_startup.append(connect)`.
pub(super) fn is_hook(func: &Expr) -> bool {
    chain_of(func).is_some_and(|chain| match &*chain {
        [_, .., "add_event_handler" | "register_listener"] => true,
        [.., list, "append" | "extend"] => {
            matches!(*list, "on_startup" | "on_shutdown" | "on_cleanup" | "cleanup_ctx")
        }
        _ => false,
    })
}

/// Returns whether an argument of a call is what the application runs when it starts or stops.
pub(super) fn is_keyword(keyword: &Keyword) -> bool {
    keyword.arg.as_ref().is_some_and(|name| {
        matches!(name.as_str(), "lifespan" | "on_startup" | "on_shutdown" | "cleanup_ctx")
    })
}
