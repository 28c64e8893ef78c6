//! The program as its sources show it: modules, classes, functions and values, what each binds and what it uses.
//!
//! Nothing is run. A *scope* is whatever can be reached by a name: a module, a class, a function, or a value that a
//! module or class assigns. Each knows the names that it binds and, in order, the names that it uses.

use std::collections::HashSet;

use ruff_python_ast::{Expr, ExprCall, StmtClassDef, StmtFunctionDef};
use ruff_text_size::TextRange;

use super::chains::decorator_chain;
use super::conditions::{Condition, Known};
use super::kept::{Keepers, Kept};
use super::source::SourceFile;

/// The position of a scope in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ScopeIx(pub(super) u32);

/// The position of a module in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ModuleIx(pub(super) u32);

/// All that was read.
#[derive(Debug, Default)]
pub(super) struct Program<'s> {
    pub(super) modules: Vec<Module<'s>>,
    /// Those that are written, module by module; behind them methods once more, as inheriting classes see them.
    pub(super) scopes: Vec<Scope<'s>>,
    /// How many are written.
    pub(super) written: u32,
    /// The names of all properties.
    pub(super) properties: HashSet<&'s str>,
    /// What is kept in applications.
    pub(super) kept: Keepers<'s>,
}

/// One file.
#[derive(Debug)]
pub(super) struct Module<'s> {
    pub(super) file: &'s SourceFile,
    /// Its own scope.
    pub(super) scope: ScopeIx,
    /// The modules of which it imports every name.
    pub(super) stars: Vec<Star<'s>>,
    /// What its functions keep in an application.
    pub(super) kept: Vec<Kept<'s>>,
    /// Only tests use it.
    pub(super) for_tests: bool,
}

/// What a method that stands in the program once more is: this method for objects of this class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) method: ScopeIx,
    pub(super) class: ScopeIx,
}

/// What is known in a function, or in the objects of a class, that stands in the program once more for calls that say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told<'s> {
    /// The function or class as it is written.
    pub(super) of: ScopeIx,
    /// The constructor, where it is a class.
    pub(super) constructor: Option<ScopeIx>,
    /// What is known of the parameters, those of the constructor where it is a class.
    pub(super) parameters: Knowledge<'s>,
    /// What is known of the attributes of objects.
    pub(super) attributes: Knowledge<'s>,
}

/// What is known of values, by their names.
pub(super) type Knowledge<'s> = Box<[(&'s str, Known)]>;

/// Whatever can be reached by a name.
#[derive(Clone, Debug)]
pub(super) struct Scope<'s> {
    pub(super) module: ModuleIx,
    /// The scope that it stands in.
    pub(super) parent: Option<ScopeIx>,
    pub(super) name: &'s str,
    pub(super) kind: ScopeKind<'s>,
    /// What it binds, in order; of two with a name the later holds.
    pub(super) names: Vec<(&'s str, Binding<'s>)>,
    /// The positions of these in the order of the names, where there are many.
    pub(super) sorted: Box<[u32]>,
    /// What it uses, in order.
    pub(super) uses: Vec<Use<'s>>,
    /// What it replaces by something else while a test runs.
    pub(super) patches: Vec<Patch<'s>>,
    /// It asks for fixtures by their names: `request.getfixturevalue("db")`.
    pub(super) asks_by_name: bool,
    /// The conditions under which it uses something; a use names the innermost by its position, counted from 1.
    pub(super) conditions: Vec<Condition<'s>>,
    /// Of a function the parameters that it gives another value, of a class the attributes that methods beside the
    /// constructor give its objects, of a module those that it gives other objects; and whether that is done only where
    /// there is none yet.
    pub(super) rebound: Vec<(&'s str, bool)>,
    /// Where it is a method as objects of an inheriting class see it.
    pub(super) seen: Option<Seen>,
    /// Where it is a function or a class as some calls see it that say something by their arguments.
    pub(super) told: Option<Box<Told<'s>>>,
}

/// What a scope is.
#[derive(Clone, Copy, Debug)]
pub(super) enum ScopeKind<'s> {
    Module,
    Class(&'s StmtClassDef),
    Function(&'s StmtFunctionDef),
    /// A value that a module or a class assigns.
    Value(&'s Expr),
}

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Binding<'s> {
    Scope(ScopeIx),
    Import(Import<'s>),
    /// A value that a function assigns, or an attribute that a method gives its object.
    Local(&'s Expr, ScopeIx),
    /// A parameter with its annotation.
    Parameter(Option<&'s Expr>),
    /// What a loop takes from a value, one by one.
    Element(&'s Expr, ScopeIx),
    /// Something that says nothing.
    Opaque,
}

/// Where an import leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Import<'s> {
    /// How many dots stand before the module.
    pub(super) level: u32,
    /// The dotted module, maybe empty behind dots.
    pub(super) module: &'s str,
    /// The name that is taken from it, where it is not the module itself.
    pub(super) name: Option<&'s str>,
    /// Only the first part of `module` is bound (`import a.b` binds `a`).
    pub(super) first_only: bool,
}

/// A `from … import *`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Star<'s> {
    pub(super) import: Import<'s>,
    /// How many names its module has bound before, to which it gives another meaning: none where it stands in a branch.
    pub(super) behind: usize,
}

/// A name that is used.
#[derive(Clone, Debug)]
pub(super) struct Use<'s> {
    /// The name with its attributes: `redis.Redis.from_url`.
    pub(super) chain: Box<[&'s str]>,
    pub(super) how: How<'s>,
    pub(super) range: TextRange,
    /// It decides whether a test is skipped.
    pub(super) guard: bool,
    /// It runs while a module is imported, which goes on where it fails.
    pub(super) tried: bool,
    /// It stands in a decorator.
    pub(super) decorator: bool,
    /// The text that something must equal for it to run: `if backend == "redis"`.
    pub(super) when: Option<&'s str>,
    /// The call that it, or what its call gives, is an argument of.
    pub(super) given_to: Option<&'s ExprCall>,
    /// The innermost condition under which it runs, as its scope counts them from 1; 0 is none.
    pub(super) condition: u32,
}

/// How a name is used.
#[derive(Clone, Copy, Debug)]
pub(super) enum How<'s> {
    /// It is called.
    Call(&'s ExprCall),
    /// Its value is taken.
    Load,
    /// What it holds by this key is taken.
    Key(&'s Expr),
    /// Its value is an argument of a call.
    Argument,
    /// It is what the key of a table stands for.
    Entry,
    /// It is named by its path, for somebody to import.
    Path,
    /// It is what starts and stops with an application: only who runs the application's lifespan calls it.
    Lifespan,
    /// It runs the lifespan of the application that it is given.
    Boot(&'s ExprCall),
    /// An environment variable is read; the expression names it.
    Environ(&'s Expr),
}

/// What is replaced while a test runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Patch<'s> {
    /// `patch("app.cache.client")`
    Path(String),
    /// `patch.object(cache, "client")`
    Attribute(Box<[&'s str]>, String),
    /// `app.dependency_overrides[get_client]`
    Function(Box<[&'s str]>),
    /// A fixture of a plugin that answers for the network.
    Fixture(&'s str),
}

impl<'s> Program<'s> {
    pub(super) fn scope(&self, ix: ScopeIx) -> &Scope<'s> {
        &self.scopes[ix.0 as usize]
    }

    pub(super) fn module(&self, ix: ModuleIx) -> &Module<'s> {
        &self.modules[ix.0 as usize]
    }

    pub(super) fn file_of(&self, ix: ScopeIx) -> &'s SourceFile {
        self.module(self.scope(ix).module).file
    }

    /// Returns whether a scope is of a file that only tests use.
    pub(super) fn is_for_tests(&self, ix: ScopeIx) -> bool {
        self.module(self.scope(ix).module).for_tests
    }

    /// Returns the scopes of a module: they follow each other.
    pub(super) fn scopes_of(&self, module: ModuleIx) -> impl Iterator<Item = ScopeIx> + use<'s> {
        let first = self.module(module).scope.0;
        let end = self.modules.get(module.0 as usize + 1).map(|next| next.scope.0);
        (first..end.unwrap_or(self.written)).map(ScopeIx)
    }

    /// Returns the methods that a class defines.
    pub(super) fn methods_of(&self, class: ScopeIx) -> impl Iterator<Item = ScopeIx> + use<'_, 's> {
        self.scope(class).names.iter().filter_map(move |(_, binding)| {
            let Binding::Scope(ix) = *binding else { return None };
            let scope = self.scope(ix);
            (matches!(scope.kind, ScopeKind::Function(_)) && scope.parent == Some(class)).then_some(ix)
        })
    }

    /// Returns the indices of all scopes that are written.
    pub(super) fn scope_indices(&self) -> impl Iterator<Item = ScopeIx> + use<'s> {
        (0..self.written).map(ScopeIx)
    }

    /// Returns the indices of all scopes, with methods as inheriting classes see them.
    pub(super) fn all_indices(&self) -> impl Iterator<Item = ScopeIx> + use<'s> {
        (0..u32::try_from(self.scopes.len()).unwrap_or(u32::MAX)).map(ScopeIx)
    }

    /// Returns the scope that is written, of a method as an inheriting class sees it, or of what some calls see.
    pub(super) fn written_as(&self, ix: ScopeIx) -> ScopeIx {
        let scope = self.scope(ix);
        let seen = scope.seen.map(|seen| seen.method);
        seen.or_else(|| scope.told.as_ref().map(|told| told.of)).unwrap_or(ix)
    }

    /// Returns what a person calls the scope: `app.cache.connect` is `connect`, a method `Cache.connect`.
    pub(super) fn title(&self, ix: ScopeIx) -> String {
        let scope = self.scope(ix);
        match scope.parent.map(|parent| self.scope(parent)) {
            Some(parent) if matches!(parent.kind, ScopeKind::Class(_)) => {
                format!("{}.{}", parent.name, scope.name)
            }
            _ => scope.name.to_owned(),
        }
    }
}

impl<'s> Scope<'s> {
    /// Returns the conditions under which a use runs, the innermost first.
    pub(super) fn conditions_of(&self, used: &Use<'s>) -> impl Iterator<Item = &Condition<'s>> {
        let at = |at: u32| self.conditions.get((at as usize).checked_sub(1)?);
        std::iter::successors(at(used.condition), move |condition| at(condition.outer))
    }

    /// Returns what a name stands for here: its last binding.
    pub(super) fn binding(&self, name: &str) -> Option<Binding<'s>> {
        self.position(name).map(|at| self.names[at].1)
    }

    /// Returns where the last binding of a name stands among all.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        if self.sorted.is_empty() {
            return self.names.iter().rposition(|(bound, _)| *bound == name);
        }
        let at = self.sorted.partition_point(|at| self.names[*at as usize].0 <= name).checked_sub(1)?;
        let at = self.sorted[at] as usize;
        (self.names[at].0 == name).then_some(at)
    }

    /// Returns what a name stood for before it was given a value.
    pub(super) fn binding_before(&self, name: &str, value: ScopeIx) -> Option<Binding<'s>> {
        let at = self
            .names
            .iter()
            .position(|(_, binding)| matches!(binding, Binding::Scope(ix) if *ix == value))?;
        self.names[..at].iter().rev().find(|(bound, _)| *bound == name).map(|(_, binding)| *binding)
    }

    /// Takes a nested function that an application starts with for nothing else: it does not run where it is defined.
    pub(super) fn leave_lifespans(&mut self) {
        let starts = |used: &Use<'s>| matches!(used.how, How::Lifespan) && used.chain.len() == 1;
        let names: Vec<&str> =
            self.uses.iter().filter(|used| starts(used)).map(|used| used.chain[0]).collect();
        if !names.is_empty() {
            let defined = |used: &Use<'s>| {
                matches!(used.how, How::Argument) && used.chain.len() == 1 && names.contains(&used.chain[0])
            };
            self.uses.retain(|used| !defined(used));
        }
    }

    /// Sorts the names, where there are so many that looking through them takes long.
    pub(super) fn sort_names(&mut self) {
        const MANY: usize = 8;
        self.sorted = Box::default();
        if self.names.len() > MANY {
            let mut sorted: Vec<u32> = (0..u32::try_from(self.names.len()).unwrap_or(u32::MAX)).collect();
            sorted.sort_by_key(|at| self.names[*at as usize].0);
            self.sorted = sorted.into();
        }
    }

    /// Moves every position of a scope by this many.
    pub(super) fn shift(&mut self, by: u32) {
        let moved = |ix: &mut ScopeIx| ix.0 += by;
        self.parent.iter_mut().for_each(moved);
        for (_, binding) in &mut self.names {
            match binding {
                Binding::Scope(ix) | Binding::Local(_, ix) | Binding::Element(_, ix) => moved(ix),
                Binding::Import(_) | Binding::Parameter(_) | Binding::Opaque => {}
            }
        }
    }
}

/// Returns whether a method runs where its name is read, as an attribute.
pub(super) fn is_property(def: &StmtFunctionDef) -> bool {
    def.decorator_list.iter().filter_map(decorator_chain).any(|chain| {
        matches!(
            chain.last(),
            Some(
                &("abstractproperty"
                    | "async_property"
                    | "cached_property"
                    | "classproperty"
                    | "hybrid_property"
                    | "lazy_property"
                    | "property"
                    | "reify"
                    | "threaded_cached_property")
            )
        )
    })
}

/// Returns what stands for a name that a scope binds, for comparing.
pub(super) fn binding_mark(scope: ScopeIx, name: &str) -> u64 {
    // FNV-1a: the same on every machine.
    let mut mark = 0xcbf2_9ce4_8422_2325_u64;
    for byte in scope.0.to_le_bytes().iter().chain(name.as_bytes()) {
        mark = (mark ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    mark
}
