//! Enrolment, publication, reports and the push hub over HTTPS: thin handlers over cores elsewhere.
//!
//! Layer 2. Has no code that applies anything and no key that agents trust for content.
