"""What the pickle inside a payload holds. The layout around it is drawn in python/bindings/envelope.h."""

ARGUMENTS = 0  #: a tuple of positional arguments (calls), or the value (results)
ARGUMENTS_AND_KEYWORDS = 1  #: (args, kwargs)
SINGLE = 2  #: one argument
CALL = 3  #: (function, args, kwargs): the function has no token
BUNDLE = 4  #: (definitions, bytes of a CALL): for initializers, before the pool can define
INHERITED = 5  #: number of a call that a forked worker finds in its memory
