echo 'a' "b $x \"c\"" d\ e $'f\n' $"g" "$(echo "h $(echo i)")" `echo \`j\``
