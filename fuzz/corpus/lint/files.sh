#!/bin/bash -e
d=$(mktemp -d); trap 'rm -rf "$d"' EXIT; cd "$d"; curl -fsSLO https://files.example.org/x.tgz; tar xzf x.tgz -C /opt/x --strip-components=1
cat > /etc/cron.d/x <<EOF
0 4 * * * root find /var/cache/x -mtime +7 -delete
EOF
chmod 0755 /opt/x/bin/*; chown -R x: /opt/x; ln -sf /opt/x/bin/x /usr/local/bin/x; systemctl enable --now x; rm -rf "${X:?}/tmp"
