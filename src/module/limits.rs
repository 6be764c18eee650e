//! How much a site may ask of whoever compiles it.

/// Bounds on everything that comes from outside (D19).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a TOML file.
    pub toml: usize,
    /// Bytes of a template.
    pub template: usize,
    /// Bytes of a file that is delivered as it is.
    pub file: usize,
    /// Bytes of one rendered text.
    pub rendered: usize,
    /// Bytes of a title or a path.
    pub title: usize,
    /// Steps of one template; a byte of output costs a 64th of a step.
    pub fuel: u64,
    /// Templates, macros and blocks inside each other.
    pub recursion: usize,
    /// Resources of one catalog. All but the shortest reach the limit of its bytes before.
    pub resources: usize,
    /// Findings that are told at once.
    pub findings: usize,
}

impl Limits {
    /// The bounds that everybody has: a reviewer and the server must not differ in them (D7).
    pub const STANDARD: Self = Self {
        toml: 1 << 20,
        template: 256 << 10,
        file: 1 << 20,
        rendered: 1 << 20,
        title: 512,
        fuel: 200_000,
        recursion: 64,
        resources: 1 << 17,
        findings: 500,
    };
}
