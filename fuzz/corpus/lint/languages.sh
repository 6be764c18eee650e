perl -e 'unlink glob "/srv/x/*.tmp"'; awk '{ print $1 | "sort" }' f; ruby -e '`ls`'; node -e 'require("fs").rmSync("/srv/y")'
php -r 'exec("id");'; sed -i 's/a/b/;w /tmp/z' f; mysql -e 'DROP TABLE t' d; vim -c ':!ls' -c q; git -c core.pager=cat log
