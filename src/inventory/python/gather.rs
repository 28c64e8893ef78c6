//! From a syntax tree to scopes: one pass over a file, which gathers what every scope binds and uses.

use ruff_python_ast::visitor::{Visitor, walk_body, walk_except_handler, walk_expr, walk_pattern, walk_stmt};
use ruff_python_ast::{
    BoolOp, CmpOp, ExceptHandler, Expr, ExprCall, ExprContext, Pattern, Stmt, StmtClassDef, StmtFunctionDef,
};
use ruff_text_size::Ranged;

use super::chains::{chain_of, chain_through_calls, is_name};
use super::conditions::{Condition, Question, Subject, keeps, leaves, mark_asked_for};
use super::imports::each_import;
use super::kept::{Kept, kept_under};
use super::patches::{patch_behind, patches_of};
use super::program::{Binding, How, Module, ModuleIx, Patch, Scope, ScopeIx, ScopeKind, Star, Use};
use super::shapes::{
    ends_in_skip, for_want_of_a_module, goes_on, imported_by_call, is_for_tests, is_main_guard,
};
use super::source::SourceFile;

/// The scopes of one file; their positions are those within the file.
pub(super) struct Gathered<'s> {
    pub(super) scopes: Vec<Scope<'s>>,
    pub(super) stars: Vec<Star<'s>>,
    kept: Vec<Kept<'s>>,
}

/// Returns the scopes of a file, each with its position within the file. The first is the module's own.
pub(super) fn gather(file: &SourceFile, module: ModuleIx) -> Gathered<'_> {
    let own = Scope {
        module,
        parent: None,
        name: "",
        kind: ScopeKind::Module,
        names: Vec::new(),
        sorted: Box::default(),
        uses: Vec::new(),
        patches: Vec::new(),
        asks_by_name: false,
        conditions: Vec::new(),
        rebound: Vec::new(),
        seen: None,
        told: None,
    };
    let mut gatherer = Gatherer {
        module,
        path: &file.path,
        scopes: vec![own],
        stars: Vec::new(),
        kept: Vec::new(),
        at: 0,
        guard: 0,
        tried: 0,
        when: None,
        branches: 0,
        condition: 0,
        decorator: false,
        argument: false,
        given_to: None,
        lifespan: false,
    };
    gatherer.visit_body(&file.syntax.body);
    gatherer.scopes.iter_mut().for_each(Scope::leave_lifespans);
    gatherer.scopes.iter_mut().for_each(Scope::sort_names);
    Gathered { scopes: gatherer.scopes, stars: gatherer.stars, kept: gatherer.kept }
}

impl<'s> Gathered<'s> {
    /// Returns the module with its scopes, the first of which is the program's at this position.
    pub(super) fn into_module(mut self, file: &'s SourceFile, first: u32) -> (Module<'s>, Vec<Scope<'s>>) {
        self.scopes.iter_mut().for_each(|scope| scope.shift(first));
        let for_tests = is_for_tests(&file.path);
        self.kept.iter_mut().for_each(|kept| kept.by.0 += first);
        let scope = ScopeIx(first);
        (Module { file, scope, stars: self.stars, kept: self.kept, for_tests }, self.scopes)
    }
}

/// Builtins that look at a function and do not call it.
const LOOKS: &[&str] =
    &["callable", "hasattr", "id", "isinstance", "issubclass", "len", "print", "repr", "str", "type", "vars"];

/// Calls that make things known to each other when an application is put together.
const WIRES: &[&str] = &["init_app", "Migrate", "register_blueprint"];

/// What injects the result of the function that it is given.
const INJECTS: &[&str] = &["Depends", "Security", "Inject", "Provide", "Provided"];

pub(super) struct Gatherer<'s> {
    module: ModuleIx,
    pub(super) path: &'s str,
    pub(super) scopes: Vec<Scope<'s>>,
    stars: Vec<Star<'s>>,
    kept: Vec<Kept<'s>>,
    /// The scope that is read.
    pub(super) at: usize,
    /// How many skip conditions stand around.
    guard: u32,
    /// How many `try` of a module stand around behind which its import goes on.
    tried: u32,
    /// The text that the nearest `if` around asks for.
    pub(super) when: Option<&'s str>,
    /// How many branches of the function stand around: what is replaced in one is replaced for some only.
    branches: u32,
    /// The innermost condition around, as the scope counts them from 1.
    pub(super) condition: u32,
    decorator: bool,
    pub(super) argument: bool,
    /// The call whose arguments are read.
    pub(super) given_to: Option<&'s ExprCall>,
    lifespan: bool,
}

impl<'s> Gatherer<'s> {
    fn ix(position: usize) -> ScopeIx {
        ScopeIx(u32::try_from(position).unwrap_or(u32::MAX))
    }

    fn bind(&mut self, name: &'s str, binding: Binding<'s>) {
        let is_parameter = matches!(binding, Binding::Parameter(_));
        if !is_parameter && self.is_parameter(name) {
            let keeps = matches!(binding, Binding::Local(value, _) if keeps(value, name));
            let steady = keeps || self.is_missing(Subject::Parameter(name));
            self.scopes[self.at].rebound.push((name, steady));
        }
        self.scopes[self.at].names.push((name, binding));
    }

    fn open(&mut self, name: &'s str, kind: ScopeKind<'s>) -> usize {
        let parent = Some(Self::ix(self.at));
        self.scopes.push(Scope {
            module: self.module,
            parent,
            name,
            kind,
            names: Vec::new(),
            sorted: Box::default(),
            uses: Vec::new(),
            patches: Vec::new(),
            asks_by_name: false,
            conditions: Vec::new(),
            rebound: Vec::new(),
            seen: None,
            told: None,
        });
        self.scopes.len() - 1
    }

    /// Reads something as part of another scope.
    fn within(&mut self, scope: usize, read: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.at, scope);
        read(self);
        self.at = before;
    }

    pub(super) fn guarded(&mut self, guard: bool, read: impl FnOnce(&mut Self)) {
        self.guard += u32::from(guard);
        read(self);
        self.guard -= u32::from(guard);
    }

    /// Reads what runs only where something equals a text.
    fn chosen(&mut self, text: Option<&'s str>, body: &'s [Stmt]) {
        let before = self.when;
        self.when = text.or(before);
        self.branches += 1;
        self.visit_body(body);
        self.branches -= 1;
        self.when = before;
    }

    pub(super) fn replace(&mut self, patch: Patch<'s>) {
        if self.branches == 0 && !self.scopes[self.at].patches.contains(&patch) {
            self.scopes[self.at].patches.push(patch);
        }
    }

    /// Notes the libraries that something keeps from the network: `@responses.activate`.
    fn replaced_by(&mut self, chain: Option<&[&str]>) {
        for library in chain.into_iter().flat_map(super::patches::replaced_by) {
            self.replace(Patch::Path((*library).to_owned()));
        }
    }

    pub(super) fn in_function(&self) -> bool {
        matches!(self.scopes[self.at].kind, ScopeKind::Function(_))
    }

    /// Returns whether a function runs only when a request comes: requests lead to it by its route. What a test file
    /// answers itself is no route of the application.
    fn runs_by_request(&self, def: &StmtFunctionDef) -> bool {
        super::routes::is_decorated(def) && !is_for_tests(self.path)
    }

    pub(super) fn record(&mut self, chain: Box<[&'s str]>, how: How<'s>, range: ruff_text_size::TextRange) {
        let how = match how {
            How::Load | How::Call(_) if self.lifespan => How::Lifespan,
            How::Load if self.argument => How::Argument,
            how => how,
        };
        let (guard, decorator) = (self.guard > 0, self.decorator);
        let tried = self.tried > 0 && !self.in_function();
        self.scopes[self.at].asks_by_name |= chain.last() == Some(&"getfixturevalue");
        let given_to = self.given_to.filter(|_| matches!(how, How::Argument | How::Call(_)));
        self.scopes[self.at].uses.push(Use {
            chain,
            how,
            range,
            guard,
            tried,
            decorator,
            when: self.when,
            given_to,
            condition: self.condition,
        });
    }

    /// `HAVE_REDIS = True` in a `try` and `False` where it fails: who asks for the value asks for what was tried.
    fn say_how_it_went(&mut self, from: usize, tried: &[Use<'s>]) {
        const MOST: usize = 32;
        let calls: Vec<Use<'s>> =
            tried.iter().filter(|used| matches!(used.how, How::Call(_))).take(MOST).cloned().collect();
        for scope in &mut self.scopes[from..] {
            if let ScopeKind::Value(Expr::BooleanLiteral(_) | Expr::NoneLiteral(_)) = scope.kind {
                scope.uses.extend(calls.iter().cloned());
            }
        }
    }

    fn function(&mut self, def: &'s StmtFunctionDef) {
        let scope = self.open(def.name.as_str(), ScopeKind::Function(def));
        let ix = Self::ix(scope);
        self.bind(def.name.as_str(), Binding::Scope(ix));
        // Nested functions run, if at all, as part of the function around them.
        let outer = self.at;
        let starts = super::lifespan::is_decorated(def);
        if self.in_function() && !(self.runs_by_request(def) || super::lifespan::is_put_aside(def)) || starts
        {
            self.scopes[outer].uses.push(Use {
                chain: Box::new([def.name.as_str()]),
                how: if starts { How::Lifespan } else { How::Argument },
                range: def.name.range(),
                guard: self.guard > 0,
                tried: false,
                decorator: false,
                when: self.when,
                given_to: None,
                condition: self.condition,
            });
        }
        let guard = std::mem::take(&mut self.guard);
        let when = self.when.take();
        let branches = std::mem::take(&mut self.branches);
        let condition = std::mem::take(&mut self.condition);
        self.within(scope, |this| {
            for parameter in &*def.parameters {
                let annotation = parameter.annotation();
                this.bind(parameter.name().as_str(), Binding::Parameter(annotation));
            }
            for parameter in &*def.parameters {
                // `db: Session = Depends(get_db)`: what it names is called for the function.
                if let Some(default @ Expr::Call(call)) = parameter.default()
                    && is_name(&call.func, INJECTS)
                {
                    this.visit_expr(default);
                }
                if let Some(annotation) = parameter.annotation() {
                    this.injected(annotation);
                }
                if super::patches::replaced_by_fixture(parameter.name().as_str()).next().is_some() {
                    this.replace(Patch::Fixture(parameter.name().as_str()));
                }
            }
            this.decorator = true;
            for decorator in &def.decorator_list {
                this.replaced_by(super::chains::decorator_chain(decorator).as_deref());
                this.visit_expr(&decorator.expression);
            }
            this.decorator = false;
            this.visit_body(&def.body);
        });
        self.guard = guard;
        self.when = when;
        self.branches = branches;
        self.condition = condition;
    }

    fn class(&mut self, def: &'s StmtClassDef) {
        let scope = self.open(def.name.as_str(), ScopeKind::Class(def));
        let ix = Self::ix(scope);
        self.bind(def.name.as_str(), Binding::Scope(ix));
        let condition = std::mem::take(&mut self.condition);
        self.within(scope, |this| {
            this.decorator = true;
            for decorator in &def.decorator_list {
                this.replaced_by(super::chains::decorator_chain(decorator).as_deref());
                this.visit_expr(&decorator.expression);
            }
            this.decorator = false;
            this.visit_body(&def.body);
        });
        self.condition = condition;
    }

    /// Binds what stands on the left of `=` and reads the right side, as a scope of its own outside of functions.
    fn assign(&mut self, targets: &[&'s Expr], value: &'s Expr) {
        let import = imported_by_call(value);
        if self.in_function() {
            let ix = Self::ix(self.at);
            for target in targets {
                match target {
                    Expr::Name(name) => {
                        let binding = import.map_or(Binding::Local(value, ix), Binding::Import);
                        self.bind(name.id.as_str(), binding);
                    }
                    // `self.client = Redis()` is an attribute of the class.
                    Expr::Attribute(attribute) if matches!(&*attribute.value, Expr::Name(name) if matches!(name.id.as_str(), "self" | "cls")) =>
                    {
                        self.given_to_own(attribute.attr.as_str(), value);
                    }
                    Expr::Tuple(tuple) => {
                        for element in &tuple.elts {
                            if let Expr::Name(name) = element {
                                self.bind(name.id.as_str(), Binding::Local(value, ix));
                            } else {
                                self.visit_expr(element);
                            }
                        }
                    }
                    target => self.visit_expr(target),
                }
            }
            for target in targets {
                self.set(target, value);
                self.kept.extend(kept_under(target).map(|name| Kept { name, value, by: ix }));
            }
            self.visit_expr(value);
            return;
        }
        let named = targets.iter().find_map(|target| match target {
            Expr::Name(name) => Some(name.id.as_str()),
            Expr::Tuple(tuple) => tuple.elts.iter().find_map(|element| {
                if let Expr::Name(name) = element { Some(name.id.as_str()) } else { None }
            }),
            _ => None,
        });
        let Some(name) = named else {
            for target in targets {
                self.visit_expr(target);
            }
            self.visit_expr(value);
            return;
        };
        let scope = self.open(name, ScopeKind::Value(value));
        let ix = Self::ix(scope);
        for target in targets {
            match target {
                Expr::Name(name) => {
                    self.bind(name.id.as_str(), import.map_or(Binding::Scope(ix), Binding::Import));
                }
                Expr::Tuple(tuple) => {
                    for element in &tuple.elts {
                        if let Expr::Name(name) = element {
                            self.bind(name.id.as_str(), Binding::Scope(ix));
                        }
                    }
                }
                target => self.visit_expr(target),
            }
        }
        self.within(scope, |this| {
            for target in targets {
                this.named_by_path(target, value);
            }
            this.visit_expr(value);
        });
    }

    fn bind_target(&mut self, target: &'s Expr, value: Option<&'s Expr>) {
        match target {
            Expr::Name(name) => {
                let ix = Self::ix(self.at);
                self.bind(name.id.as_str(), value.map_or(Binding::Opaque, |value| Binding::Local(value, ix)));
            }
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|element| self.bind_target(element, None)),
            Expr::List(list) => list.elts.iter().for_each(|element| self.bind_target(element, None)),
            target => self.visit_expr(target),
        }
    }

    fn bind_element(&mut self, target: &'s Expr, values: &'s Expr) {
        let ix = Self::ix(self.at);
        match target {
            Expr::Name(name) => self.bind(name.id.as_str(), Binding::Element(values, ix)),
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|element| self.bind_element(element, values)),
            Expr::List(list) => list.elts.iter().for_each(|element| self.bind_element(element, values)),
            target => self.visit_expr(target),
        }
    }

    fn call(&mut self, call: &'s ExprCall) {
        let chain = chain_of(&call.func);
        let skips = chain
            .as_deref()
            .and_then(<[_]>::last)
            .is_some_and(|last| matches!(*last, "skipif" | "skipIf" | "skipUnless"));
        if let Some(chain) = chain {
            for patch in patches_of(&chain, call) {
                self.replace(patch);
            }
            if call.arguments.find_keyword("real_http").is_none() {
                self.replaced_by(Some(&chain));
            }
            // `app.test_client.get("/")` of Sanic runs the application.
            if matches!(*chain, [_, .., "test_client" | "asgi_client", _]) {
                self.record(chain.clone(), How::Boot(call), call.range());
            }
            self.record(chain, How::Call(call), call.range());
        } else {
            if let Some(patch) = patch_behind(call).filter(|_| self.imports_stand_ins()) {
                self.replace(patch);
            }
            // `Cart().total()`: the method of what a call gives, and that call.
            if let Some(chain) = chain_through_calls(&call.func) {
                self.record(chain, How::Call(call), call.range());
            }
            self.visit_expr(&call.func);
        }
        let lifespan = super::lifespan::is_hook(&call.func);
        let around = self.lifespan;
        self.lifespan |= lifespan;
        // What is only looked at is not run: `callable(connect)`.
        let looks = matches!(&*call.func, Expr::Name(name) if LOOKS.contains(&name.id.as_str()));
        // `migrate.init_app(app, db)` tells the one of the other and asks neither for anything.
        let wires = is_name(&call.func, WIRES);
        let argument = std::mem::replace(&mut self.argument, !looks);
        let given_to = self.given_to.replace(call);
        if skips && let Some(Expr::StringLiteral(condition)) = call.arguments.args.first() {
            self.condition_in_words(condition.value.to_str(), condition.range());
        }
        self.guarded(skips, |this| {
            for arg in call.arguments.args.iter().filter(|arg| !wires || !arg.is_name_expr()) {
                this.visit_expr(arg);
            }
            for keyword in &call.arguments.keywords {
                if let Some(name) = &keyword.arg
                    && super::frameworks::FLASK_SETTINGS.contains(&name.as_str())
                {
                    let ix = Self::ix(this.at);
                    this.bind(name.as_str(), Binding::Local(&keyword.value, ix));
                }
                let before = this.lifespan;
                this.lifespan |= super::lifespan::is_keyword(keyword);
                this.visit_expr(&keyword.value);
                this.lifespan = before;
            }
        });
        self.argument = argument;
        self.given_to = given_to;
        self.lifespan = around;
    }

    /// Reads what an annotation has called: `Annotated[Session, Depends(get_db)]`, or a name that stands for it.
    fn injected(&mut self, annotation: &'s Expr) {
        match annotation {
            Expr::Name(_) | Expr::Attribute(_) => {
                if let Some(chain) = chain_of(annotation) {
                    self.record(chain, How::Load, annotation.range());
                }
            }
            Expr::Subscript(subscript) if is_name(&subscript.value, &["Annotated"]) => {
                if let Expr::Tuple(parts) = &*subscript.slice {
                    parts.elts.iter().skip(1).for_each(|part| self.visit_expr(part));
                }
            }
            _ => {}
        }
    }

    /// Binds what an application's configuration says about its database, as if it were a name:
    /// `app.config["SQLALCHEMY_DATABASE_URI"] = url`.
    pub(super) fn configured(&mut self, key: &'s Expr, value: &'s Expr) {
        if let Expr::StringLiteral(key) = key
            && super::frameworks::FLASK_SETTINGS.contains(&key.value.to_str())
        {
            let ix = Self::ix(self.at);
            self.bind(key.value.to_str(), Binding::Local(value, ix));
        }
    }
}

impl<'s> Visitor<'s> for Gatherer<'s> {
    #[expect(clippy::too_many_lines, reason = "one arm for each kind of statement")]
    fn visit_stmt(&mut self, stmt: &'s Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => self.function(def),
            Stmt::ClassDef(def) => self.class(def),
            Stmt::Import(_) | Stmt::ImportFrom(_) => {
                let mut found = Vec::new();
                each_import(stmt, |name, import| found.push((name, import)));
                for (name, import) in found {
                    if name == "*" {
                        let behind = if self.branches == 0 { self.scopes[0].names.len() } else { 0 };
                        self.stars.push(Star { import, behind });
                    } else {
                        self.bind(name, Binding::Import(import));
                    }
                }
            }
            Stmt::Assign(assign) => {
                if let [target] = &*assign.targets {
                    if self.overridden(target, &assign.value) {
                        return;
                    }
                    if let Expr::Subscript(subscript) = target {
                        self.configured(&subscript.slice, &assign.value);
                        // `sys.modules["psycopg"] = Mock()`
                        if let Expr::StringLiteral(name) = &*subscript.slice
                            && chain_of(&subscript.value).as_deref() == Some(&["sys", "modules"])
                        {
                            self.replace(Patch::Path(name.value.to_str().to_owned()));
                        }
                    }
                }
                self.assign(&assign.targets.iter().collect::<Vec<_>>(), &assign.value);
            }
            Stmt::AnnAssign(assign) => match &assign.value {
                Some(value) => self.assign(&[&assign.target], value),
                None => {
                    if let Expr::Name(name) = &*assign.target {
                        self.bind(name.id.as_str(), Binding::Parameter(Some(&assign.annotation)));
                    }
                }
            },
            Stmt::If(branch) => {
                if is_name(&branch.test, &["TYPE_CHECKING"]) {
                    // What only a type checker imports still says what a name means.
                    self.visit_body(&branch.body);
                    return;
                }
                if is_main_guard(&branch.test) {
                    return;
                }
                let skips = ends_in_skip(&branch.body)
                    || branch.elif_else_clauses.iter().any(|clause| ends_in_skip(&clause.body));
                self.guarded(skips, |this| this.visit_expr(&branch.test));
                let around = self.condition;
                let tested = self.tested(&branch.test);
                self.supposing(&tested.when_true, |this| {
                    this.chosen(this.asked_text(&branch.test), &branch.body);
                });
                self.suppose(&tested.when_false);
                for clause in &branch.elif_else_clauses {
                    if let Some(test) = &clause.test {
                        self.guarded(skips, |this| this.visit_expr(test));
                    }
                    let tested = clause.test.as_ref().map(|test| self.tested(test)).unwrap_or_default();
                    self.supposing(&tested.when_true, |this| {
                        let text = clause.test.as_ref().and_then(|test| this.asked_text(test));
                        this.chosen(text, &clause.body);
                    });
                    self.suppose(&tested.when_false);
                }
                // Behind `if not enabled: return` it is enabled.
                if !(branch.elif_else_clauses.is_empty() && leaves(&branch.body)) {
                    self.condition = around;
                }
            }
            Stmt::Try(attempt) => {
                let skips = attempt
                    .handlers
                    .iter()
                    .any(|ExceptHandler::ExceptHandler(handler)| ends_in_skip(&handler.body));
                // `except ImportError: redis = None` says what a name is where the library is not there: of the two
                // the import holds, so it comes last.
                let (without, others): (Vec<_>, Vec<_>) = attempt
                    .handlers
                    .iter()
                    .map(|ExceptHandler::ExceptHandler(handler)| handler)
                    .partition(|handler| handler.type_.as_deref().is_some_and(for_want_of_a_module));
                for name in
                    attempt.handlers.iter().filter_map(|handler| handler.as_except_handler()?.name.as_ref())
                {
                    self.written(&[name.as_str()]);
                }
                self.branches += 1;
                for handler in without {
                    self.visit_body(&handler.body);
                }
                self.branches -= 1;
                let probes = !(skips || self.in_function() || others.is_empty())
                    && others.iter().all(|handler| goes_on(&handler.body));
                let (uses, values) = (self.scopes[self.at].uses.len(), self.scopes.len());
                self.tried += u32::from(probes);
                self.guarded(skips, |this| this.visit_body(&attempt.body));
                self.tried -= u32::from(probes);
                let mut tried = self.scopes[self.at].uses[uses..].to_vec();
                tried.extend(
                    self.scopes[values..]
                        .iter()
                        .filter(|scope| matches!(scope.kind, ScopeKind::Value(_)))
                        .flat_map(|scope| scope.uses.clone()),
                );
                self.branches += 1;
                for handler in others {
                    self.visit_body(&handler.body);
                }
                self.branches -= 1;
                self.visit_body(&attempt.orelse);
                self.visit_body(&attempt.finalbody);
                if probes {
                    self.say_how_it_went(values, &tried);
                }
            }
            Stmt::With(with) => {
                for item in &with.items {
                    if let Expr::Call(call) = &item.context_expr
                        && let Some(chain) = chain_of(&call.func)
                        && chain.last().is_some_and(|last| {
                            matches!(
                                *last,
                                "TestClient"
                                    | "LifespanManager"
                                    | "lifespan_context"
                                    | "AsyncTestClient"
                                    | "TestServer"
                                    | "run_lifespan"
                            )
                        })
                    {
                        self.record(chain, How::Boot(call), call.range());
                    }
                    self.visit_expr(&item.context_expr);
                    if let Some(target) = &item.optional_vars {
                        self.bind_target(target, Some(&item.context_expr));
                    }
                }
                self.visit_body(&with.body);
            }
            Stmt::For(each) => {
                self.bind_element(&each.target, &each.iter);
                self.visit_expr(&each.iter);
                // `for mark in item.iter_markers("redis")`
                let bears = mark_asked_for(&each.iter).map(|name| Condition {
                    subject: Subject::Mark(name),
                    question: Question::IsTrue,
                    answer: true,
                    outer: 0,
                });
                self.supposing(bears.as_slice(), |this| this.visit_body(&each.body));
                self.visit_body(&each.orelse);
            }
            Stmt::Assert(_)
            | Stmt::Expr(_)
            | Stmt::Return(_)
            | Stmt::While(_)
            | Stmt::Match(_)
            | Stmt::Raise(_)
            | Stmt::AugAssign(_) => {
                let argument = std::mem::replace(&mut self.argument, false);
                walk_stmt(self, stmt);
                self.argument = argument;
            }
            // A function within gives what the one around it is given another value.
            Stmt::Nonlocal(names) => {
                for name in &names.names {
                    self.written_around(name.as_str());
                }
            }
            Stmt::Delete(deleted) => deleted.targets.iter().for_each(|target| self.visit_expr(target)),
            // `global`, `pass` and the like use nothing.
            _ => {}
        }
    }

    fn visit_body(&mut self, body: &'s [Stmt]) {
        let around = self.condition;
        walk_body(self, body);
        self.condition = around;
    }

    fn visit_expr(&mut self, expr: &'s Expr) {
        match expr {
            Expr::Call(call) => self.call(call),
            // Of `client or make()` the second runs only where the first is missing.
            Expr::BoolOp(several) => {
                let around = self.condition;
                for value in &several.values {
                    self.visit_expr(value);
                    let tested = self.tested(value);
                    let goes_on = match several.op {
                        BoolOp::And => tested.when_true,
                        BoolOp::Or => tested.when_false,
                    };
                    self.suppose(&goes_on);
                }
                self.condition = around;
            }
            Expr::Lambda(lambda) => {
                for parameter in lambda.parameters.iter().flat_map(|parameters| &**parameters) {
                    self.written(&[parameter.name().as_str()]);
                }
                walk_expr(self, expr);
            }
            Expr::If(choice) => {
                self.visit_expr(&choice.test);
                let tested = self.tested(&choice.test);
                self.supposing(&tested.when_true, |this| this.visit_expr(&choice.body));
                self.supposing(&tested.when_false, |this| this.visit_expr(&choice.orelse));
            }
            Expr::Attribute(_) | Expr::Name(_) => {
                let loads = match expr {
                    Expr::Attribute(attribute) => attribute.ctx == ExprContext::Load,
                    Expr::Name(name) => name.ctx == ExprContext::Load,
                    _ => false,
                };
                match chain_of(expr) {
                    Some(chain) if loads => self.record(chain, How::Load, expr.range()),
                    Some(chain) => self.written(&chain),
                    None if !loads => {
                        // `type(self).enabled = True`
                        if let Expr::Attribute(attribute) = expr {
                            self.written(&["", attribute.attr.as_str()]);
                        }
                        walk_expr(self, expr);
                    }
                    None => {
                        // `Store().client`, which may be a property.
                        if let Some(chain) = chain_through_calls(expr) {
                            self.record(chain, How::Load, expr.range());
                        }
                        walk_expr(self, expr);
                    }
                }
            }
            Expr::Subscript(subscript) => {
                if let Some(chain) = chain_of(&subscript.value)
                    && chain.last() == Some(&"environ")
                    && subscript.ctx == ExprContext::Load
                {
                    self.record(chain, How::Environ(&subscript.slice), expr.range());
                }
                if let Some(chain) = chain_of(&subscript.value)
                    && chain.last() == Some(&"caches")
                    && subscript.ctx == ExprContext::Load
                {
                    self.record(chain, How::Key(&subscript.slice), expr.range());
                    self.visit_expr(&subscript.slice);
                    return;
                }
                // `dependency_overrides[get_db]` names a function and calls nothing.
                let argument = std::mem::replace(&mut self.argument, false);
                if chain_of(&subscript.value)
                    .is_some_and(|chain| chain.last() == Some(&"dependency_overrides"))
                {
                    self.argument = argument;
                    return;
                }
                walk_expr(self, expr);
                self.argument = argument;
            }
            Expr::Dict(dict) => self.dict(dict),
            Expr::Compare(compare) => {
                if let ([CmpOp::In | CmpOp::NotIn], [right]) = (&*compare.ops, &*compare.comparators)
                    && let Some(chain) = chain_of(right)
                    && chain.last() == Some(&"environ")
                {
                    self.record(chain, How::Environ(&compare.left), expr.range());
                }
                walk_expr(self, expr);
            }
            _ => walk_expr(self, expr),
        }
    }

    fn visit_except_handler(&mut self, handler: &'s ExceptHandler) {
        let ExceptHandler::ExceptHandler(caught) = handler;
        if let Some(name) = &caught.name {
            self.written(&[name.as_str()]);
        }
        walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'s Pattern) {
        let name = match pattern {
            Pattern::MatchAs(named) => named.name.as_ref(),
            Pattern::MatchStar(named) => named.name.as_ref(),
            Pattern::MatchMapping(named) => named.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = name {
            self.written(&[name.as_str()]);
        }
        walk_pattern(self, pattern);
    }

    fn visit_annotation(&mut self, _: &'s Expr) {}
}
