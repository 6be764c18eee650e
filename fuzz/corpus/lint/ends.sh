perl -e 'print "rm -rf / is bad\n"; s("uptime")'
perl -e 's'
perl -e 's('
perl -e 'y'
perl -e 'm{x}{'
ruby -e '%q'
perl -e 'tr(a)'
perl -e 'qw'
python3 -c '"""'
x=$(echo mr | cut -c0); $x -rf /etc
x=$(echo m:r | cut -d: -f0-1); $x -rf /etc
