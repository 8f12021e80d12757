"""The fictional municipality Elzermeer, and what `kring demo` does on its first day. Every person in it is made up."""
