alias l='ls -l'; l {a,b{c,d}}{1..3} ~/x ~root/y *.[ch] ?x $(printf '%s ' e f) <(cat g) "$(< h)"; eval "i=\$j; k $i"
