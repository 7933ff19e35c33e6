"""The verbs: `find`, `show`, `train`, `compare`, `script`. One public function per file; where the rooms meet."""
