//! `yum_repository`: where dnf, yum and zypper get packages from, as a file of its own, with the key that the catalog
//! names.

use super::repository::{Described, Step};
use super::{Done, Failure, Known, Lists, Node, Plan, Type};
use crate::model::resource::YumRepository;

/// A repository of rpm packages.
pub(in crate::agent) struct RpmSource<'a>(pub(in crate::agent) &'a YumRepository);

impl Type for RpmSource<'_> {
    type Step = Step;

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<Step>, Failure> {
        self.described().check(node)
    }

    fn apply(&self, step: Step, node: &mut Node<'_>) -> Result<Done, Failure> {
        self.described().apply(step, node)
    }

    fn forget(&self, known: &mut Known) {
        known.lists = Lists::Old;
    }
}

impl RpmSource<'_> {
    fn described(&self) -> Described<'_> {
        let repository = self.0;
        Described {
            ensure: repository.ensure,
            file: repository.file(),
            text: repository.text(),
            key_file: repository.key_file(),
            key: repository.key.as_ref(),
            folders: vec![&repository.folder, "/etc/pki", "/etc/pki/rpm-gpg"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Place, said};
    use super::*;
    use crate::model::resource::Kind;
    use crate::model::{Digest, Spec};

    fn demo(more: &str) -> YumRepository {
        let key = format!(r#"{{ "blob": {{ "digest": "{}", "size": 4 }} }}"#, Digest::of(b"blob"));
        let text = format!(
            r#"{{ "name": "demo", "baseurl": ["https://rpm.example/a", "https://rpm.example/b"], "key": {key}{more} }}"#
        );
        match Spec::read(Kind::YumRepository, serde_json::from_str(&text).unwrap()).unwrap() {
            Spec::YumRepository(repository) => repository,
            _ => unreachable!(),
        }
    }

    #[test]
    fn the_key_comes_by_its_digest_and_packages_are_checked_against_it() {
        let place = Place::new();
        let key = format!("key changed 'absent' to '{}'", Digest::of(b"blob"));
        assert_eq!(place.apply(&RpmSource(&demo(""))), said(&[&key, "created"]));
        let path = "/etc/pki/rpm-gpg/RPM-GPG-KEY-countersign-demo";
        assert_eq!(place.read(path), "blob");
        let text = "[demo]\nname=demo\nbaseurl=https://rpm.example/a https://rpm.example/b\nenabled=1\ngpgcheck=1\n\
                    gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-countersign-demo\n";
        assert_eq!(place.read("/etc/yum.repos.d/demo.repo"), text);
        let more =
            demo(r#", "priority": 5, "exclude": ["kernel*"], "repo_gpgcheck": true, "enabled": false"#);
        assert_eq!(place.apply(&RpmSource(&more)), said(&["content changed"]));
        let text = place.read("/etc/yum.repos.d/demo.repo");
        assert!(
            text.ends_with("priority=5\nexclude=kernel*\n")
                && text.contains("enabled=0\ngpgcheck=1\nrepo_gpgcheck=1\n")
        );
        let evil = YumRepository {
            key: Some(crate::model::resource::Content::Blob { digest: Digest::of(b"evil"), size: 4 }),
            ..demo("")
        };
        let refused = place.apply(&RpmSource(&evil)).unwrap_err();
        assert!(refused.starts_with("the content that came for sha256:"), "{refused}");
        assert_eq!(place.read(path), "blob");
        assert_eq!(place.apply(&RpmSource(&demo(r#", "ensure": "absent""#))), said(&["removed"]));
        assert!(!place.at(path).exists() && !place.at("/etc/yum.repos.d/demo.repo").exists());
    }
}
