//! What does not run where it is called: tasks of Celery, actors of dramatiq and their like, functions in a queue.

use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::Ranged;

use super::links::{Linker, TouchKind};
use super::program::{How, ScopeKind, Use, binding_mark};
use super::resolve::Target;

impl<'s> Linker<'_, '_, 's, '_, '_> {
    /// Returns whether a call puts a function that it is given into a queue, which a worker runs: itself, as
    /// `queue.enqueue(send)`, or by handing it on.
    pub(super) fn is_put_off(
        &self,
        used: &Use<'s>,
        call: &'s ExprCall,
        chain: &[&str],
        target: Option<&Target>,
    ) -> bool {
        if self.book.tasks.queues_run {
            return false;
        }
        // What the project itself calls so may run it at once.
        let Some(&Target::Scope(to)) = target else { return is_queue(chain) };
        let callee = self.resolver.program.scope(to);
        let ScopeKind::Function(def) = callee.kind else { return false };
        let covers = |value: &Expr| value.range().contains_range(used.range);
        let keyword = call.arguments.keywords.iter().find(|keyword| covers(&keyword.value));
        let name = if let Some(keyword) = keyword {
            keyword.arg.as_ref().map(ruff_python_ast::Identifier::as_str)
        } else {
            let skipped = usize::from(chain.len() > 1 && self.resolver.class_around(to).is_some());
            let at = call.arguments.args.iter().position(covers);
            at.and_then(|at| (&*def.parameters).into_iter().nth(at + skipped))
                .map(|parameter| parameter.name().as_str())
        };
        let Some(name) = name else { return false };
        let mut of_it = callee.uses.iter().filter(|other| other.chain.first() == Some(&name)).peekable();
        of_it.peek().is_some()
            && of_it.all(|other| {
                let by = other.given_to.and_then(|call| super::chains::chain_of(&call.func));
                matches!(other.how, How::Argument)
                    && other.chain.len() == 1
                    && by.is_some_and(|chain| is_queue(&chain))
            })
    }

    /// A task that is put off goes to the broker, or runs at once where the settings say so.
    pub(super) fn put_off(&mut self, used: &Use<'s>) {
        const PUT_OFF: &[&str] = &[
            "adelay",
            "apply_async",
            "defer",
            "defer_async",
            "delay",
            "kiq",
            "s",
            "send",
            "send_with_options",
            "si",
        ];
        let Some((last, task)) = used.chain.split_last() else { return };
        if *last == "send_task" {
            return self.send_task(used);
        }
        if !PUT_OFF.contains(last) || task.is_empty() {
            return;
        }
        let resolved = self.resolver.resolve(self.scope, task);
        let Some(Target::Scope(to)) = resolved.target else { return };
        let program = self.resolver.program;
        let ScopeKind::Function(def) = program.scope(to).kind else { return };
        let Some(decorator) = def.decorator_list.iter().find_map(|decorator| {
            let chain = super::chains::decorator_chain(decorator)?;
            let is_task = chain.last().is_some_and(|last| last.ends_with("task") || *last == "actor");
            is_task.then_some(chain)
        }) else {
            return;
        };
        let mut via = resolved.via;
        via.push(binding_mark(to, last));
        let around = program.scope(to).parent.unwrap_or(to);
        let by = self.resolver.resolve(around, &decorator).target;
        let services = match by {
            Some(Target::External(path)) if path.starts_with("dramatiq.") => {
                self.book.tasks.of_actors.clone()
            }
            // `@broker.task` of another library: the object that is asked is the one to which it is put off.
            Some(Target::External(path)) if !path.starts_with("celery.") && decorator.len() > 1 => {
                if let Some(Target::Scope(object)) = self.resolver.resolve(around, &decorator[..1]).target
                    && matches!(program.scope(object).kind, ScopeKind::Value(_))
                {
                    self.push(used, object, &via);
                    return;
                }
                self.book.tasks.services.clone()
            }
            _ if self.book.tasks.eager => {
                self.push(used, to, &via);
                return;
            }
            _ => self.book.tasks.services.clone(),
        };
        if !matches!(*last, "s" | "si") {
            for service in services {
                self.touch(used, service, TouchKind::Client, &used.chain.join("."), &via);
            }
        }
    }

    /// `app.send_task("work")`: the task's name is all that is known of it.
    fn send_task(&mut self, used: &Use<'s>) {
        let resolved = self.resolver.resolve(self.scope, &used.chain);
        if !matches!(&resolved.target, Some(Target::External(path)) if path.starts_with("celery.")) {
            return;
        }
        for service in self.book.tasks.services.clone() {
            self.touch(used, service, TouchKind::Client, "send_task", &resolved.via);
        }
    }
}

/// Returns whether a call puts what it is given into a queue: `queue.enqueue`.
fn is_queue(chain: &[&str]) -> bool {
    chain.len() > 1
        && chain.last().is_some_and(|last| {
            matches!(*last, "enqueue" | "enqueue_at" | "enqueue_call" | "enqueue_in" | "enqueue_many")
        })
}
