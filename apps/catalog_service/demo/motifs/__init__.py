"""What the pictures show: one function per motif, each on a canvas of 400 by 400."""
