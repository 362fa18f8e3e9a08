echo "done $1"
