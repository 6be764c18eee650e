#!/bin/sh
# Makes what was admitted a change, a comment, an approval or a release.
ulimit -t 120
exec '@COUNTERSIGN@' hook proc-receive
