from drgen.cli.main import main

main()
