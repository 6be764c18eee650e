#!/bin/sh
# Installed in clones by `countersign setup`: gives a commit the Change-Id that it keeps when amended.
exec '@COUNTERSIGN@' hook commit-msg "$1"
