#!/bin/sh
# Admission. Runs inside git's quarantine: a refusal leaves no object and moves no ref.
# Git gives no arguments; the server asks with `--self-test` whether this sees what it should.
exec '@COUNTERSIGN@' hook pre-receive "$@"
