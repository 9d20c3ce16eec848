//! Finds any of a set of needles in one pass: Aho and Corasick, "Efficient string matching", CACM 18 (1975).
//!
//! A small one of our own, since the scrubber needs three things that are awkward to get from a general crate: state that
//! lives across chunks, the depth of the current partial match (how much to hold back), and nodes that are wiped on drop.
#![expect(
    clippy::indexing_slicing,
    reason = "node numbers come from this automaton alone; no input is an index"
)]

use std::collections::VecDeque;

use zeroize::Zeroize;

/// The trie of the needles with failure links. A node's children are a linked list: few nodes have more than one.
pub(super) struct Automaton {
    nodes: Vec<Node>,
    /// The root's children by byte; [`Self::ROOT`] where there is none.
    start: [u32; 256],
}

#[derive(Clone, Copy, Default, Zeroize)]
struct Node {
    byte: u8,
    first_child: u32,
    next_sibling: u32,
    /// The node of the longest proper suffix that is in the trie.
    fail: u32,
    depth: u32,
    /// Length of the longest needle that ends here, or 0.
    longest: u32,
}

impl Automaton {
    /// The state in which nothing has matched. As a child or sibling it means "none".
    pub(super) const ROOT: u32 = 0;

    pub(super) fn new<N: AsRef<[u8]>>(needles: &[N]) -> Self {
        let size = 1 + needles.iter().map(|needle| needle.as_ref().len()).sum::<usize>();
        // The exact bound: a buffer that grows leaves copies behind.
        let mut this = Self { nodes: Vec::with_capacity(size), start: [Self::ROOT; 256] };
        this.nodes.push(Node::default());
        for needle in needles {
            this.insert(needle.as_ref());
        }
        this.link();
        this
    }

    /// How many bytes at the start of `bytes` leave the root where it is.
    pub(super) fn irrelevant_prefix(&self, bytes: &[u8]) -> usize {
        bytes.iter().position(|byte| self.start[usize::from(*byte)] != Self::ROOT).unwrap_or(bytes.len())
    }

    /// The state after `byte`.
    pub(super) fn step(&self, mut state: u32, byte: u8) -> u32 {
        loop {
            let child = self.child(state, byte);
            if child != Self::ROOT || state == Self::ROOT {
                return child;
            }
            state = self.node(state).fail;
        }
    }

    /// Length of the longest needle that ends in `state`, or 0.
    pub(super) fn longest_match(&self, state: u32) -> usize {
        self.node(state).longest as usize
    }

    /// How many of the last bytes may be the beginning of a needle.
    pub(super) fn depth(&self, state: u32) -> usize {
        self.node(state).depth as usize
    }

    fn node(&self, state: u32) -> &Node {
        &self.nodes[state as usize]
    }

    fn child(&self, state: u32, byte: u8) -> u32 {
        if state == Self::ROOT {
            return self.start[usize::from(byte)];
        }
        let mut child = self.node(state).first_child;
        while child != Self::ROOT && self.node(child).byte != byte {
            child = self.node(child).next_sibling;
        }
        child
    }

    fn insert(&mut self, needle: &[u8]) {
        let mut state = Self::ROOT;
        for &byte in needle {
            let mut child = self.child(state, byte);
            if child == Self::ROOT {
                child = self.nodes.len() as u32;
                let parent = &mut self.nodes[state as usize];
                let node = Node {
                    byte,
                    next_sibling: parent.first_child,
                    depth: parent.depth + 1,
                    ..Node::default()
                };
                parent.first_child = child;
                self.nodes.push(node);
                if state == Self::ROOT {
                    self.start[usize::from(byte)] = child;
                }
            }
            state = child;
        }
        let end = &mut self.nodes[state as usize];
        end.longest = end.depth;
    }

    /// Sets the failure links, nearest to the root first.
    fn link(&mut self) {
        let mut queue = VecDeque::from([Self::ROOT]);
        while let Some(parent) = queue.pop_front() {
            let mut child = self.node(parent).first_child;
            while child != Self::ROOT {
                let Node { byte, next_sibling, .. } = *self.node(child);
                let fail = match parent {
                    Self::ROOT => Self::ROOT,
                    _ => self.step(self.node(parent).fail, byte),
                };
                let inherited = self.node(fail).longest;
                let node = &mut self.nodes[child as usize];
                node.fail = fail;
                if node.longest == 0 {
                    node.longest = inherited;
                }
                queue.push_back(child);
                child = next_sibling;
            }
        }
    }
}

impl Drop for Automaton {
    fn drop(&mut self) {
        self.nodes.zeroize();
        self.start.zeroize();
    }
}
