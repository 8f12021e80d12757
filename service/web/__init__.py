"""Pages: for staff (signed in) and for residents (with a personal link). Everything works without JavaScript."""
