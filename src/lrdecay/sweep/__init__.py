"""Many runs: which to make (`pilots`), where (`pool`), none twice (`runner`), kept (`journal`), compared (`study`)."""
