cat <<A <<-'B' 3<<<"c $d"
$(e) `f` ${g:-h}
A
	i $j
	B
