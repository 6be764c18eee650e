if a; then b; elif c; then d; else e; fi | while f; do g; done && until h; do i; done || { j; } & (k; l) > m 2>&1 < n
case $o in p|q*) r ;; *) s ;& t) u ;;& esac; for ((v=0; v<9; v++)); do w; done; [[ -f x && y =~ z ]]; function f { :; }
