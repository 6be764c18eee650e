b='eval & eval "$b"'x; eval "$b"
