//! What a template does, read off its syntax tree before it ever runs: the names that it needs, the
//! templates that it includes, and what it does with the node's own facts.
//!
//! A live fact or a secret is written out as it is, `{{ facts.os.family }}`, or not used at all (D6, D30, D34). It is
//! never compared, filtered, stored or handed on: then the catalog would not be a closed program.

use crate::model::fact::{self, FactPath};
use minijinja::machinery::ast::{CallArg, Expr, Stmt};
use minijinja::machinery::{Span, parse};
use minijinja::syntax::SyntaxConfig;
use std::collections::BTreeSet;
use std::ops::Range;

/// What a template does.
#[derive(Debug, Default)]
pub(super) struct Analysis {
    /// The names that it does not define itself, with the place of each use.
    pub(super) names: Vec<(String, Range<usize>)>,
    /// The live facts that it writes out.
    pub(super) facts: Vec<FactPath>,
    /// Whether it writes out a secret.
    pub(super) secret: bool,
    /// What it may not do.
    pub(super) misuses: Vec<Misuse>,
    /// The templates that it includes, and whether it does anything else with them than writing them out.
    pub(super) includes: Vec<Include>,
    /// What it is made of.
    pub(super) form: Form,
}

/// What a template is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Form {
    /// Text alone.
    #[default]
    Text,
    /// One expression and nothing beside it: its value keeps its type.
    Expression,
    /// One live fact and nothing beside it.
    Fact(FactPath),
    /// Anything else.
    Mixed,
}

/// Something that a template may not do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misuse {
    /// Where.
    pub(super) span: Range<usize>,
    /// The rule.
    pub(super) rule: &'static str,
    /// What is wrong.
    pub(super) message: String,
}

/// A template named by a template.
#[derive(Debug)]
pub(super) struct Include {
    /// Its name.
    pub(super) name: String,
    /// Where it is named.
    pub(super) span: Range<usize>,
    /// Whether its output goes anywhere but straight out.
    pub(super) captured: bool,
}

const HOW: &str = "a live fact may only be written out as it is: `{{ facts.os.family }}`";
const HOW_SECRET: &str = "a secret may only be written out as it is: `{{ password }}`";
/// Names that the engine itself defines.
const BUILT_IN: &[&str] = &["range", "dict", "namespace", "loop", "self", "super", "caller"];

/// Reads what `source` does. `secrets` are the names that stand for secrets.
///
/// # Errors
/// When it is no template.
pub(super) fn analyse(
    source: &str,
    syntax: SyntaxConfig,
    secrets: &BTreeSet<String>,
) -> Result<Analysis, minijinja::Error> {
    let tree = parse(source, "template", syntax)?;
    let mut walk = Walk { secrets, analysis: Analysis::default(), defined: BTreeSet::new() };
    walk.stmt(&tree, false);
    let defined = walk.defined;
    let mut analysis = walk.analysis;
    analysis.names.retain(|(name, _)| !defined.contains(name) && !BUILT_IN.contains(&name.as_str()));
    analysis.form = form(&tree);
    Ok(analysis)
}

fn form(tree: &Stmt<'_>) -> Form {
    let Stmt::Template(template) = tree else { return Form::Mixed };
    match template.children.as_slice() {
        [] | [Stmt::EmitRaw(_)] => Form::Text,
        [Stmt::EmitExpr(emit)] => match chain(&emit.expr).and_then(|path| path.parse().ok()) {
            Some(path) => Form::Fact(path),
            None => Form::Expression,
        },
        _ => Form::Mixed,
    }
}

/// The path of `facts.a.b`, if the expression is that and nothing else.
fn chain(expr: &Expr<'_>) -> Option<String> {
    let Expr::GetAttr(attr) = expr else { return None };
    match &attr.expr {
        Expr::Var(var) if var.id == "facts" => Some(attr.name.to_owned()),
        inner => Some(format!("{}.{}", chain(inner)?, attr.name)),
    }
}

const fn range(span: Span) -> Range<usize> {
    span.start_offset as usize..span.end_offset as usize
}

#[derive(Debug)]
struct Walk<'a> {
    secrets: &'a BTreeSet<String>,
    analysis: Analysis,
    defined: BTreeSet<String>,
}

impl Walk<'_> {
    fn misuse(&mut self, span: Span, rule: &'static str, message: impl Into<String>) {
        self.analysis.misuses.push(Misuse { span: range(span), rule, message: message.into() });
    }

    fn stmts(&mut self, stmts: &[Stmt<'_>], captured: bool) {
        for stmt in stmts {
            self.stmt(stmt, captured);
        }
    }

    /// `captured`: the output of `stmt` does not go straight out, so no fact may be in it.
    fn stmt(&mut self, stmt: &Stmt<'_>, captured: bool) {
        match stmt {
            Stmt::Template(template) => self.stmts(&template.children, captured),
            Stmt::EmitRaw(_) => {}
            Stmt::EmitExpr(emit) => self.emit(&emit.expr, captured),
            Stmt::ForLoop(each) => {
                self.define(&each.target);
                self.expr(&each.iter);
                self.exprs(&each.filter_expr);
                self.stmts(&each.body, captured || each.recursive);
                self.stmts(&each.else_body, captured);
            }
            Stmt::IfCond(cond) => {
                self.expr(&cond.expr);
                self.stmts(&cond.true_body, captured);
                self.stmts(&cond.false_body, captured);
            }
            Stmt::WithBlock(with) => {
                for (target, value) in &with.assignments {
                    self.define(target);
                    self.expr(value);
                }
                self.stmts(&with.body, captured);
            }
            Stmt::Set(set) => {
                self.define(&set.target);
                self.expr(&set.expr);
            }
            Stmt::SetBlock(set) => {
                self.define(&set.target);
                self.exprs(&set.filter);
                self.stmts(&set.body, true);
            }
            Stmt::AutoEscape(escape) => {
                self.expr(&escape.enabled);
                self.stmts(&escape.body, true);
            }
            Stmt::FilterBlock(filter) => {
                self.expr(&filter.filter);
                self.stmts(&filter.body, true);
            }
            Stmt::Block(block) => self.stmts(&block.body, true),
            Stmt::Import(import) => {
                self.template(&import.expr, true);
                self.define(&import.name);
            }
            Stmt::FromImport(import) => {
                self.template(&import.expr, true);
                for (name, alias) in &import.names {
                    self.define(alias.as_ref().unwrap_or(name));
                }
            }
            Stmt::Extends(extends) => self.template(&extends.name, captured),
            Stmt::Include(include) => self.template(&include.name, captured),
            Stmt::Macro(declared) => self.declare(declared),
            Stmt::CallBlock(block) => {
                self.call(&block.call.expr, &block.call.args);
                self.declare(&block.macro_decl);
            }
            Stmt::Do(call) => self.call(&call.call.expr, &call.call.args),
        }
    }

    fn emit(&mut self, expr: &Expr<'_>, captured: bool) {
        if let Expr::Var(var) = expr
            && self.secrets.contains(var.id)
        {
            if captured {
                let message = format!("{HOW_SECRET}, not inside a block that is stored or changed");
                self.misuse(var.span(), "secret-place", message);
            }
            self.analysis.secret = true;
            self.analysis.names.push((var.id.to_owned(), range(var.span())));
            return;
        }
        let Some(path) = chain(expr) else { return self.expr(expr) };
        if captured {
            self.misuse(
                expr.span(),
                "live-fact",
                format!("{HOW}, not inside a block that is stored or changed"),
            );
            return;
        }
        match (fact::known(&path), path.parse()) {
            (Ok(_), Ok(path)) => self.analysis.facts.push(path),
            (near, _) => {
                let near = near.err().flatten();
                let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                self.misuse(expr.span(), "unknown-fact", format!("there is no fact `{path}`{hint}"));
            }
        }
    }

    fn declare(&mut self, declared: &minijinja::machinery::ast::Macro<'_>) {
        self.defined.insert(declared.name.to_owned());
        for arg in &declared.args {
            self.define(arg);
        }
        for default in &declared.defaults {
            self.expr(default);
        }
        self.stmts(&declared.body, true);
    }

    /// A name that gets a value here. Naming something `facts` would hide the real ones.
    fn define(&mut self, target: &Expr<'_>) {
        match target {
            Expr::Var(var) if var.id == "facts" => self.misuse(var.span(), "live-fact", "`facts` is taken"),
            Expr::Var(var) if self.secrets.contains(var.id) => {
                self.misuse(
                    var.span(),
                    "secret-place",
                    format!("`{}` is a secret; take another name", var.id),
                );
            }
            Expr::Var(var) => {
                self.defined.insert(var.id.to_owned());
            }
            Expr::List(list) => list.items.iter().for_each(|item| self.define(item)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.define(item)),
            other => self.expr(other),
        }
    }

    fn template(&mut self, name: &Expr<'_>, captured: bool) {
        match name {
            Expr::Const(text) if text.value.as_str().is_some() => {
                let name = text.value.as_str().unwrap_or_default().to_owned();
                self.analysis.includes.push(Include { name, span: range(text.span()), captured });
            }
            other => {
                self.misuse(other.span(), "template-error", "the name of a template must be written out")
            }
        }
    }

    fn exprs<'e, 's: 'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr<'s>>) {
        for expr in exprs {
            self.expr(expr);
        }
    }

    fn call(&mut self, callee: &Expr<'_>, args: &[CallArg<'_>]) {
        self.expr(callee);
        self.args(args);
    }

    fn args(&mut self, args: &[CallArg<'_>]) {
        for arg in args {
            match arg {
                CallArg::Pos(expr)
                | CallArg::Kwarg(_, expr)
                | CallArg::PosSplat(expr)
                | CallArg::KwargSplat(expr) => self.expr(expr),
            }
        }
    }

    fn expr(&mut self, expr: &Expr<'_>) {
        match expr {
            Expr::Var(var) if var.id == "facts" => self.misuse(var.span(), "live-fact", HOW),
            Expr::Var(var) if self.secrets.contains(var.id) => {
                self.misuse(var.span(), "secret-place", HOW_SECRET);
            }
            Expr::Var(var) => self.analysis.names.push((var.id.to_owned(), range(var.span()))),
            Expr::Const(value) => {
                if value.value.as_str().is_some_and(|text| text.contains('\0')) {
                    self.misuse(
                        value.span(),
                        "hidden-character",
                        "this text has the hidden character U+0000",
                    );
                }
            }
            Expr::Slice(slice) => {
                self.expr(&slice.expr);
                self.exprs(slice.start.iter().chain(&slice.stop).chain(&slice.step));
            }
            Expr::UnaryOp(op) => self.expr(&op.expr),
            Expr::BinOp(op) => self.exprs([&op.left, &op.right]),
            Expr::Compare(compare) => {
                self.expr(&compare.expr);
                self.exprs(compare.ops.iter().map(|op| &op.expr));
            }
            Expr::IfExpr(cond) => {
                self.exprs([&cond.test_expr, &cond.true_expr]);
                self.exprs(&cond.false_expr);
            }
            Expr::Filter(filter) => {
                self.exprs(&filter.expr);
                self.args(&filter.args);
            }
            Expr::Test(test) => {
                self.expr(&test.expr);
                self.args(&test.args);
            }
            Expr::GetAttr(attr) => self.expr(&attr.expr),
            Expr::GetItem(item) => self.exprs([&item.expr, &item.subscript_expr]),
            Expr::Call(call) => self.call(&call.expr, &call.args),
            Expr::List(list) => self.exprs(&list.items),
            Expr::Tuple(tuple) => self.exprs(&tuple.items),
            Expr::Map(map) => self.exprs(map.keys.iter().chain(&map.values)),
        }
    }
}
