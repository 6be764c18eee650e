#!/bin/sh
# Makes what was admitted a change, a comment, an approval or a release.
exec '@COUNTERSIGN@' hook proc-receive
