f() { local n=$1; shift; for a in "$@"; do case $a in -*) g "$a";; *) cd "/srv/$a" && h; esac; done; [ "$n" ] && f "$@"; }
f 1 a -b c; while read -r l w; do k "$l" > "/tmp/$w"; done < m; . /tmp/n; trap 'rm -f "$o"' EXIT
