#!/bin/sh
# Admission. Runs inside git's quarantine: a refusal leaves no object and moves no ref.
ulimit -t 120
exec '@COUNTERSIGN@' hook pre-receive
