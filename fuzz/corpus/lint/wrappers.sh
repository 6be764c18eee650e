sudo -u app env A=b timeout 5 nice -n 5 sh -c 'find /srv -name "*.log" -exec rm -f {} +' | xargs -0 -I{} cp {} /tmp
echo cm0gLXJmIC9zcnYveAo= | base64 -d | sh; python3 -c 'import os; os.system("ls /srv")'; ssh h 'docker run -v /:/h x ls /h'
