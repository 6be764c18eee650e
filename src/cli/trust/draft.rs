//! From the arguments of `trust init` to a trust root.

use super::InitArgs;
use crate::cli::{Failure, keys};
use crate::model::{Digest, Kind, Principal, RoleName, Stamp};
use crate::signing::document::{RepoId, V};
use crate::signing::ratify::MAX_LIFE;
use crate::signing::root::{self, Guard, Limits, RawPrincipal, RawRole, RawRoot, Require, Root, Rule, Tls};
use crate::signing::{Document as _, PublicKey};
use std::path::Path;

/// The name of the server's timestamp key in the trust root.
const TIMESTAMP_NAME: &str = "server-timestamp";
const DAY: i64 = 86_400;

/// A trust root in the making.
#[derive(Debug)]
pub(super) struct Draft {
    principals: Vec<RawPrincipal>,
    roles: Vec<RawRole>,
    rules: Vec<Rule>,
    guards: Vec<Guard>,
    tls: Tls,
    days: i64,
}

impl Draft {
    /// Reads the keys that the arguments name.
    pub(super) fn new(args: &InitArgs) -> Result<Self, Failure> {
        let tls = Tls {
            server_ca: authority(&args.server.join("tls/server-ca.pem"))?,
            node_ca: authority(&args.server.join("tls/node-ca.pem"))?,
        };
        let days = i64::from(args.days);
        let mut draft = Self {
            principals: Vec::new(),
            roles: Vec::new(),
            rules: Vec::new(),
            guards: Vec::new(),
            tls,
            days,
        };
        let reviewers = draft.people("--reviewer", &args.reviewer)?;
        draft.people("--author", &args.author)?;
        draft.role(root::ROOT, &reviewers, args.threshold)?;
        draft.role(root::RELEASE, &reviewers, args.threshold)?;
        let security = draft.people("--security", &args.security)?;
        if !security.is_empty() {
            draft.role(root::SECURITY, &security, 1)?;
            draft.rule("policies/**", &[root::RELEASE, root::SECURITY])?;
        }
        draft.rule("**", &[root::RELEASE])?;
        for guard in &args.guard {
            draft.guard(guard)?;
        }
        for person in &args.break_glass {
            draft.break_glass(person)?;
        }
        for operator in &args.operator {
            draft.operator(operator)?;
        }
        let timestamp = keys::read_public(&args.server.join("timestamp/key.pub"))
            .map_err(|failure| failure.hint("countersign server init SERVERDIR"))?;
        let name: Principal = TIMESTAMP_NAME.parse()?;
        draft.person(name.clone(), &timestamp);
        draft.role(root::TIMESTAMP, &[name], 1)?;
        Ok(draft)
    }

    /// The trust root, with a new random repository number.
    pub(super) fn finish(self, now: Stamp) -> Result<Root, Failure> {
        let mut random = [0; 32];
        getrandom::fill(&mut random)
            .map_err(|cause| Failure::refused(format!("the system has no randomness: {cause}")))?;
        let raw = RawRoot {
            document: Root::TYPE.into(),
            v: V,
            repo: RepoId::new(random),
            version: 1,
            prev: None,
            created: now,
            expires: now.plus(self.days * DAY),
            principals: self.principals,
            roles: self.roles,
            rules: self.rules,
            guards: self.guards,
            limits: Limits::default(),
            require: Require { sk_user_presence: true, sk_user_verification: false },
            floor: None,
            reset: None,
            tls: self.tls,
        };
        Root::new(raw).map_err(|refusal| Failure::from_error(&refusal).hint("countersign trust init --help"))
    }

    /// Adds the people of `NAME=KEY.pub` arguments and returns their names.
    fn people(&mut self, flag: &str, arguments: &[String]) -> Result<Vec<Principal>, Failure> {
        let mut names = Vec::new();
        for argument in arguments {
            let (name, path) = named(flag, argument)?;
            self.person(name.clone(), &keys::read_public(Path::new(path))?);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Adds a key to a person, who may have several and may be named more than once.
    fn person(&mut self, name: Principal, key: &PublicKey) {
        let line = key.to_line();
        match self.principals.iter_mut().find(|principal| principal.name == name) {
            Some(known) if known.keys.contains(&line) => {}
            Some(known) => known.keys.push(line),
            None => self.principals.push(RawPrincipal { name, keys: vec![line] }),
        }
    }

    fn role(&mut self, name: &str, members: &[Principal], threshold: u32) -> Result<(), Failure> {
        let name: RoleName = name.parse()?;
        self.roles.push(RawRole { name, members: members.to_vec(), threshold, nodes: None, max_life: None });
        Ok(())
    }

    fn rule(&mut self, path: &str, roles: &[&str]) -> Result<(), Failure> {
        let roles = roles.iter().map(|role| role.parse()).collect::<Result<_, _>>()?;
        self.rules.push(Rule { paths: vec![path.parse()?], roles });
        Ok(())
    }

    fn guard(&mut self, text: &str) -> Result<(), Failure> {
        let wrong = || {
            Failure::usage(format!("`--guard {text}`: write TYPE:PATTERN")).hint("--guard 'file:/etc/ssh/**'")
        };
        let (kind, pattern) = text.split_once(':').ok_or_else(wrong)?;
        let resource = Kind::named(kind).ok_or_else(wrong)?;
        self.guards.push(Guard { resource, pattern: pattern.parse()?, role: root::SECURITY.parse()? });
        Ok(())
    }

    /// Somebody who may make emergency releases alone: for the nodes of the patterns, `*` by default, and for hours.
    fn break_glass(&mut self, argument: &str) -> Result<(), Failure> {
        let (person, patterns) = argument.rsplit_once(':').unwrap_or((argument, "*"));
        let names = self.people("--break-glass", &[person.to_owned()])?;
        let nodes = patterns.split(',').map(str::parse).collect::<Result<Vec<_>, _>>()?;
        let name: RoleName = root::BREAK_GLASS.parse()?;
        match self.roles.iter_mut().find(|role| role.name == name) {
            Some(role) => {
                role.members.extend(names);
                let known = role.nodes.get_or_insert_default();
                known.extend(nodes.into_iter().filter(|node| !known.contains(node)).collect::<Vec<_>>());
            }
            None => self.roles.push(RawRole {
                name,
                members: names,
                threshold: 1,
                nodes: Some(nodes),
                max_life: Some(MAX_LIFE),
            }),
        }
        Ok(())
    }

    /// An operator of all nodes shares the role `operator`; one with patterns has a role of their own.
    fn operator(&mut self, argument: &str) -> Result<(), Failure> {
        let (person, patterns) = argument.rsplit_once(':').unwrap_or((argument, "*"));
        let names = self.people("--operator", &[person.to_owned()])?;
        let nodes = patterns.split(',').map(str::parse).collect::<Result<Vec<_>, _>>()?;
        let scoped = names.first().filter(|_| patterns != "*");
        let name = scoped.map_or(root::OPERATOR.to_owned(), |name| {
            format!("{}-{}", root::OPERATOR, name.as_str().replace('.', "-"))
        });
        let name: RoleName = name.parse()?;
        match self.roles.iter_mut().find(|role| role.name == name) {
            Some(role) => role.members.extend(names),
            None => self.roles.push(RawRole {
                name,
                members: names,
                threshold: 1,
                nodes: Some(nodes),
                max_life: None,
            }),
        }
        Ok(())
    }
}

pub(super) fn named<'a>(flag: &str, argument: &'a str) -> Result<(Principal, &'a str), Failure> {
    let (name, path) = argument.split_once('=').ok_or_else(|| {
        Failure::usage(format!("`{flag} {argument}`: write NAME=KEY.pub"))
            .hint(format!("{flag} alice=alice.pub"))
    })?;
    Ok((name.parse()?, path))
}

/// Digest of the public key in a certificate authority's certificate.
fn authority(path: &Path) -> Result<Digest, Failure> {
    let pem = std::fs::read(path).map_err(|cause| {
        Failure::io("cannot read the server's certificate authority", path, &cause)
            .hint("countersign server init SERVERDIR")
    })?;
    let wrong = |what: &str| Failure::refused(format!("`{}` is no certificate: {what}", path.display()));
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).map_err(|error| wrong(&error.to_string()))?;
    let certificate = pem.parse_x509().map_err(|error| wrong(&error.to_string()))?;
    Ok(Digest::of(certificate.public_key().raw))
}
