//! The fields of an allowlist and the automaton they are compiled into.
//!
//! A field is a dotted path from the root: `id`, `payload.headers[].name`, `[].id`. `[]` stands for any element of an array,
//! `*` for any key. A backslash takes away the next character's meaning, for keys such as `@odata\.nextLink`. A field names
//! scalars alone: those directly in an object are `labels.*`, those in an array `labels[]`.

use core::mem;

/// One step of a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    AnyKey,
    Element,
}

/// Reads a field. None: not one.
pub(crate) fn parse(field: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = field;
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix("[]") {
            steps.push(Step::Element);
            rest = tail;
            continue;
        }
        // Behind a step stands a point, at the beginning none.
        if !steps.is_empty() {
            rest = rest.strip_prefix('.')?;
        }
        let mut key = String::new();
        let mut is_escaped = false;
        let mut end = rest.len();
        for (at, c) in rest.char_indices() {
            match c {
                _ if mem::take(&mut is_escaped) => key.push(c),
                '\\' => is_escaped = true,
                '.' | '[' => {
                    end = at;
                    break;
                }
                ']' => return None,
                _ => key.push(c),
            }
        }
        let (text, tail) = rest.split_at_checked(end)?;
        if key.is_empty() || is_escaped {
            return None;
        }
        steps.push(if text == "*" { Step::AnyKey } else { Step::Key(key) });
        rest = tail;
    }
    (!steps.is_empty()).then_some(steps)
}

/// What a value is, as far as it decides whether it passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar,
    Object,
    Array,
}

/// A place in the document, as far as the fields distinguish places.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node(usize);

/// A deterministic automaton over keys and elements. It has a node for each combination of fields that one place can
/// satisfy, which is few: fields come from the catalogue, not from callers.
#[derive(Debug)]
pub(super) struct Allowlist(Vec<Transitions>);

#[derive(Debug, Default)]
struct Transitions {
    /// A field ends here.
    is_end: bool,
    /// Sorted.
    keys: Vec<(Box<[u8]>, Node)>,
    any_key: Option<Node>,
    element: Option<Node>,
}

impl Allowlist {
    pub(super) const ROOT: Node = Node(0);

    pub(super) fn new(fields: &[String]) -> Self {
        let fields: Vec<_> = fields.iter().filter_map(|field| parse(field)).collect();
        let mut allowlist = Self(Vec::new());
        allowlist.add(&fields.iter().map(Vec::as_slice).collect::<Vec<_>>());
        allowlist
    }

    /// A node for the place from which `paths` lead on.
    fn add(&mut self, paths: &[&[Step]]) -> Node {
        let node = Node(self.0.len());
        self.0.push(Transitions::default());
        let behind = |wanted: &dyn Fn(&Step) -> bool| -> Vec<&[Step]> {
            let split = paths.iter().filter_map(|path| path.split_first());
            split.filter(|(step, _)| wanted(step)).map(|(_, tail)| tail).collect()
        };
        let mut names: Vec<&str> = paths
            .iter()
            .filter_map(
                |path| if let Some(Step::Key(name)) = path.first() { Some(name.as_str()) } else { None },
            )
            .collect();
        names.sort_unstable();
        names.dedup();
        let keys = names
            .into_iter()
            .map(|name| {
                let paths = behind(&|step| match step {
                    Step::Key(key) => key == name,
                    Step::AnyKey => true,
                    Step::Element => false,
                });
                (name.as_bytes().into(), self.add(&paths))
            })
            .collect();
        let mut add_some = |paths: Vec<&[Step]>| (!paths.is_empty()).then(|| self.add(&paths));
        let transitions = Transitions {
            is_end: paths.iter().any(|path| path.is_empty()),
            keys,
            any_key: add_some(behind(&|step| *step == Step::AnyKey)),
            element: add_some(behind(&|step| *step == Step::Element)),
        };
        if let Some(slot) = self.0.get_mut(node.0) {
            *slot = transitions;
        }
        node
    }

    pub(super) fn passes(&self, node: Node, kind: Kind) -> bool {
        self.0.get(node.0).is_some_and(|node| match kind {
            Kind::Scalar => node.is_end,
            Kind::Object => node.any_key.is_some() || !node.keys.is_empty(),
            Kind::Array => node.element.is_some(),
        })
    }

    pub(super) fn element(&self, node: Node) -> Option<Node> {
        self.0.get(node.0)?.element
    }

    pub(super) fn member(&self, node: Node, key: &[u8]) -> Option<Node> {
        let node = self.0.get(node.0)?;
        let found = node.keys.binary_search_by(|(name, _)| name.as_ref().cmp(key)).ok();
        found.and_then(|at| node.keys.get(at)).map(|(_, node)| *node).or(node.any_key)
    }
}
