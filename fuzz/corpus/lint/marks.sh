xargs -I{} x󿼋y {} a
