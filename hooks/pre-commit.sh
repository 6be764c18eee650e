#!/bin/sh
# Installed in clones by `countersign setup --pre-commit`: what the server would refuse is not committed.
# The server lints every push itself; this only tells sooner.
exec '@COUNTERSIGN@' lint .
