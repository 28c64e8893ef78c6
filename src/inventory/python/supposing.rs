//! What holds where something is read: the conditions around it, as a scope gathers them.

use ruff_python_ast::Expr;

use super::chains::is_name;
use super::conditions::{Condition, Subject, Tested, mark_asked_for};
use super::gather::Gatherer;
use super::patches::patch_of_caches;
use super::program::{Binding, How, ScopeIx, ScopeKind};

/// As many conditions of one function are known.
const MAX_CONDITIONS: usize = 256;

impl<'s> Gatherer<'s> {
    /// Returns whether a name is a parameter of the function that is read.
    pub(super) fn is_parameter(&self, name: &str) -> bool {
        let here = &self.scopes[self.at];
        let ScopeKind::Function(def) = here.kind else { return false };
        def.parameters.find(name).is_some()
    }

    /// Returns whether what is read runs only where a value is missing.
    pub(super) fn is_missing(&self, subject: Subject<'_>) -> bool {
        let here = &self.scopes[self.at];
        let at = |at: u32| here.conditions.get((at as usize).checked_sub(1)?);
        std::iter::successors(at(self.condition), |condition| at(condition.outer))
            .any(|condition| condition.is_missing(subject))
    }

    /// Returns what holds where a test comes out true, and what where it does not.
    pub(super) fn tested(&self, test: &'s Expr) -> Tested<'s> {
        if !self.in_function() {
            return Tested::default();
        }
        Tested::of(test, &|name| {
            if self.is_parameter(name) {
                return Some(Subject::Parameter(name));
            }
            // `mark = request.node.get_closest_marker("redis")`
            match self.scopes[self.at].names.iter().rev().find(|(bound, _)| *bound == name) {
                Some((_, Binding::Local(value, _))) => mark_asked_for(value).map(Subject::Mark),
                _ => None,
            }
        })
    }

    /// What is read from here on runs only where these conditions hold.
    pub(super) fn suppose(&mut self, conditions: &[Condition<'s>]) {
        for condition in conditions {
            let here = &mut self.scopes[self.at].conditions;
            // Nobody writes so many; what stands behind further ones is taken to run.
            if here.len() == MAX_CONDITIONS {
                return;
            }
            here.push(Condition { outer: self.condition, ..*condition });
            self.condition = u32::try_from(here.len()).unwrap_or(0);
        }
    }

    /// Reads what runs only where these conditions hold.
    pub(super) fn supposing(&mut self, conditions: &[Condition<'s>], read: impl FnOnce(&mut Self)) {
        let before = self.condition;
        self.suppose(conditions);
        read(self);
        self.condition = before;
    }

    /// Returns the text that a condition asks for, itself or by a constant of the module.
    pub(super) fn asked_text(&self, condition: &'s Expr) -> Option<&'s str> {
        super::choices::asked_text(condition, &|name| {
            let bound = self.scopes[0].names.iter().rev().find(|(bound, _)| *bound == name)?;
            let Binding::Scope(ix) = bound.1 else { return None };
            match self.scopes.get(ix.0 as usize)?.kind {
                ScopeKind::Value(Expr::StringLiteral(text)) => Some(text),
                _ => None,
            }
        })
    }

    /// Reads a condition that is written as a text, `skipif("not redis_up()")`: whatever it names, it asks.
    pub(super) fn condition_in_words(&mut self, text: &'s str, range: ruff_text_size::TextRange) {
        let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
        for named in text.split(|c| !part(c)).filter(|named| named.starts_with(|c: char| !c.is_ascii_digit()))
        {
            let chain: Vec<&str> = named.split('.').filter(|name| !name.is_empty()).collect();
            if chain.is_empty() {
                continue;
            }
            let argument = std::mem::replace(&mut self.argument, true);
            self.guarded(true, |this| this.record(chain.into(), How::Load, range));
            self.argument = argument;
        }
    }

    /// Returns whether the file imports what `flexmock(…)` and `when(…)` are of.
    pub(super) fn imports_stand_ins(&self) -> bool {
        let imported = |(_, binding): &(&str, Binding<'_>)| matches!(binding, Binding::Import(import) if matches!(import.module, "flexmock" | "mockito"));
        self.scopes[0].names.iter().any(imported)
    }

    /// Notes what a function gives a value: a plug-in of a setting, or other caches to the settings that pytest's plugin
    /// for Django gives a test.
    pub(super) fn set(&mut self, target: &'s Expr, value: &'s Expr) {
        self.named_by_path(target, value);
        if let Expr::Attribute(setting) = target
            && setting.attr.as_str() == "CACHES"
            && is_name(&setting.value, &["settings"])
            && let ScopeKind::Function(def) = self.scopes[self.at].kind
            && let Some(patch) = patch_of_caches(value, &def.body)
        {
            self.replace(patch);
        }
    }

    /// Notes that a method gives its object an attribute; outside of a method it is any object's.
    pub(super) fn given_to_own(&mut self, attribute: &'s str, value: &'s Expr) {
        let steady = self.is_missing(Subject::Own(attribute));
        let here = &self.scopes[self.at];
        let (constructs, parent) =
            (here.name == "__init__", here.parent.map_or(0, |parent| parent.0 as usize));
        let ix = ScopeIx(u32::try_from(self.at).unwrap_or(u32::MAX));
        let class = &mut self.scopes[parent];
        if !matches!(class.kind, ScopeKind::Class(_)) {
            self.scopes[0].rebound.push((attribute, false));
            return;
        }
        class.names.push((attribute, Binding::Local(value, ix)));
        if !constructs {
            class.rebound.push((attribute, steady));
        }
    }

    /// Notes that something is given another value in a way that is not followed: a parameter, or the attribute of
    /// an object.
    pub(super) fn written(&mut self, chain: &[&'s str]) {
        match *chain {
            [name] if self.is_parameter(name) => self.scopes[self.at].rebound.push((name, false)),
            ["self" | "cls", attribute] => {
                let parent = self.scopes[self.at].parent.map_or(0, |class| class.0 as usize);
                // Outside of a method it is any object.
                let of = if matches!(self.scopes[parent].kind, ScopeKind::Class(_)) { parent } else { 0 };
                self.scopes[of].rebound.push((attribute, false));
            }
            [.., attribute] if chain.len() > 1 => self.scopes[0].rebound.push((attribute, false)),
            _ => {}
        }
    }

    /// Notes that a function within one that has a parameter of this name gives it another value.
    pub(super) fn written_around(&mut self, name: &'s str) {
        let mut at = self.scopes[self.at].parent;
        while let Some(ix) = at {
            let scope = &mut self.scopes[ix.0 as usize];
            if matches!(scope.kind, ScopeKind::Function(_)) {
                scope.rebound.push((name, false));
            }
            at = scope.parent;
        }
    }
}
