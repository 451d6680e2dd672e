//! The tree of modules, as the `mod` lines make it, and what each of them names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// A module that has a file of its own.
pub(super) struct Module {
    /// Its file, by its path in the project.
    pub(super) file: PathBuf,
    /// Its path in the crate: `["channel", "imap", "watch"]`.
    pub(super) path: Vec<String>,
    /// It is compiled for tests only.
    pub(super) test: bool,
    pub(super) syntax: syn::File,
}

/// All modules of a crate, from its first file on.
pub(super) fn modules(first: &str) -> Vec<Module> {
    let mut found = Vec::new();
    add(Path::new(first), Vec::new(), false, &mut found);
    found
}

fn add(file: &Path, path: Vec<String>, test: bool, found: &mut Vec<Module>) {
    let text = super::text(file);
    let syntax = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let named = file.file_stem().unwrap().to_string_lossy().into_owned();
    let folder = file.parent().unwrap();
    let below = match named.as_str() {
        "lib" | "main" | "mod" => folder.to_owned(),
        _ => folder.join(named),
    };
    let children: Vec<(String, bool)> = syntax
        .items
        .iter()
        .filter_map(|item| match item {
            syn::Item::Mod(item) if item.content.is_none() => {
                Some((item.ident.to_string(), test || for_tests(&item.attrs)))
            }
            _ => None,
        })
        .collect();
    found.push(Module {
        file: file.to_owned(),
        path: path.clone(),
        test,
        syntax,
    });
    for (name, test) in children {
        let beside = below.join(format!("{name}.rs"));
        let file = match super::root().join(&beside).is_file() {
            true => beside,
            false => below.join(&name).join("mod.rs"),
        };
        let path = path.iter().cloned().chain([name]).collect();
        add(&file, path, test, found);
    }
}

fn for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string().contains("test"),
        _ => false,
    })
}

/// Everything that a module names outside its tests, in full: `crate::…` without the `crate`, other crates by name.
pub(super) fn named(path: &[String], syntax: &syn::File) -> Named {
    let mut names = Names {
        inside: path.to_vec(),
        named: Named::default(),
    };
    names.visit_file(syntax);
    names.named
}

/// What a module names.
#[derive(Default)]
pub(super) struct Named {
    /// In this crate: `["model", "Moment"]`.
    pub(super) here: BTreeSet<Vec<String>>,
    /// Elsewhere: `["std", "time", "Duration"]`; also what a `use` brought in, which no crate is called.
    pub(super) elsewhere: BTreeSet<Vec<String>>,
}

struct Names {
    inside: Vec<String>,
    named: Named,
}

impl Names {
    fn add(&mut self, segments: &[String]) {
        let mut base = self.inside.clone();
        let mut rest = segments;
        let mut ours = false;
        while let Some(first) = rest.first() {
            match first.as_str() {
                "crate" => base.clear(),
                "self" => {}
                "super" => drop(base.pop()),
                _ => break,
            }
            ours = true;
            rest = &rest[1..];
        }
        if ours {
            base.extend_from_slice(rest);
            self.named.here.insert(base);
        } else {
            self.named.elsewhere.insert(segments.to_vec());
        }
    }

    fn add_tree(&mut self, before: &mut Vec<String>, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.add_tree(before, &path.tree);
                before.pop();
            }
            syn::UseTree::Name(name) if name.ident == "self" => self.add(before),
            syn::UseTree::Name(name) => self.add_last(before, name.ident.to_string()),
            syn::UseTree::Rename(rename) => self.add_last(before, rename.ident.to_string()),
            syn::UseTree::Glob(_) => self.add_last(before, String::from("*")),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_tree(before, tree);
                }
            }
        }
    }

    fn add_last(&mut self, before: &[String], last: String) {
        let all: Vec<String> = before.iter().cloned().chain([last]).collect();
        self.add(&all);
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes: &[syn::Attribute] = match item {
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            _ => &[],
        };
        if !for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.inside.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.inside.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_tree(&mut Vec::new(), &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.add(&segments);
        visit::visit_path(self, path);
    }

    /// What stands in a macro is no syntax tree: paths are found by their shape.
    fn visit_macro(&mut self, macro_call: &'ast syn::Macro) {
        self.visit_path(&macro_call.path);
        let tokens = macro_call.tokens.to_string();
        let words: Vec<&str> = tokens.split_whitespace().collect();
        let mut at = 0;
        while at < words.len() {
            let mut segments = vec![words[at].to_owned()];
            while words.get(at + 1) == Some(&"::") && at + 2 < words.len() {
                segments.push(words[at + 2].to_owned());
                at += 2;
            }
            if segments.len() > 1
                && segments.iter().all(|s| {
                    syn::parse_str::<syn::Ident>(s).is_ok() || s == "crate" || s == "super" || s == "self"
                })
            {
                self.add(&segments);
            }
            at += 1;
        }
    }
}
